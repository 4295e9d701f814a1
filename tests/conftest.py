"""Fixtures for all tests: nothing of the developer's own settings, home or lake is seen by any of them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import adlfs
import pytest
from hypothesis import HealthCheck, settings

from lake.settings import Settings

# A property holds or it does not: how long an example takes on a busy machine says nothing.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith(("SILLAGE_", "AZURE_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SILLAGE_LAKE", str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings from real vehicles that lies beside a development checkout."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the recordings (../shared/data) are not beside this checkout")
    return folder


def missing(what: str) -> None:
    """Skip for want of a tool; on CI, where all of them are installed, fail instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


@dataclass(frozen=True)
class Azurite:
    """A running emulator of Azure Storage.

    Attributes:
        connection_string: how to get in.
    """

    connection_string: str

    def new_container(self) -> str:
        """A container of its own for a test: ``az://<name>``."""
        name = f"lake{uuid.uuid4().hex[:12]}"
        adlfs.AzureBlobFileSystem(connection_string=self.connection_string).mkdir(name)
        return f"az://{name}/lake"


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azurite on a free port of the loopback address, for the whole session."""
    binary = Path(__file__).parent / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    if not binary.exists():
        missing("Azurite is not installed: run `make azurite` (needs Node.js)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("azurite")
    command = [str(binary), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder),
               "--skipApiVersionCheck", "--disableTelemetry", "--silent"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _listens(port):
            if server.poll() is not None:
                pytest.fail("Azurite did not start")
            time.sleep(0.1)
        # The account and key are the emulator's own, published with it.
        yield Azurite(
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
            f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

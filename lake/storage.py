"""One lake URI, one credential, and the options each engine wants. Nothing here knows what a table means."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import fsspec

from lake.errors import LakeError, SettingsError
from lake.patience import StorageError, Trouble, delta_rs_options, patiently, plain, polars_options, symptom_of
from lake.places import Place
from lake.settings import Settings

FORMAT_VERSION = 1
_DEMO_KEY = b"sillage demo key: for a local lake only"
_LAKE_FILE = "sillage.json"
_PUBLIC_CLOUD = "core.windows.net"


@dataclass(frozen=True)
class Credential:
    """How Azure Storage lets us in: a connection string, or the identity of the machine for an account."""

    connection_string: str | None = field(default=None, repr=False)
    account: str | None = None

    @cached_property
    def parts(self) -> dict[str, str]:
        """The key-value pairs of the connection string."""
        pairs = (p.partition("=") for p in (self.connection_string or "").split(";") if p)
        return {key: value for key, _, value in pairs}

    @property
    def is_whole(self) -> bool:
        """The connection string has the parts that every engine needs."""
        return "AccountName" in self.parts and not {"AccountKey", "SharedAccessSignature"}.isdisjoint(self.parts)

    @property
    def endpoint(self) -> str | None:
        """Blob endpoint that the connection string states, as Azurite's does, or that of the cloud it names."""
        suffix = self.parts.get("EndpointSuffix", _PUBLIC_CLOUD)
        named = f"https://{self.parts.get('AccountName')}.blob.{suffix}"
        return self.parts.get("BlobEndpoint") or (None if suffix == _PUBLIC_CLOUD else named)


@dataclass(frozen=True)
class Lake:
    """Where the lake is and how each engine gets in.

    Attributes:
        uri: absolute folder, or ``az://container/prefix``.
        credential: for Azure; empty for a folder.
        buckets: number of vehicle buckets, as fixed when the lake was made.
        key: key of the vehicle hash; None where it was not given, as to those who only read.
    """

    uri: str
    credential: Credential
    buckets: int
    key: bytes | None = field(repr=False)

    @classmethod
    def open(cls, settings: Settings, *, create: bool = True) -> Lake:
        """Open the lake of the settings, and make it if it is not there yet.

        Raises:
            SettingsError: an engine cannot reach the place, no credential for a lake on Azure or no key to make it
                with, or another key than it was made with.
            LakeError: the lake cannot be reached, or was made by a newer Sillage; or it is not there and
                ``create`` is false.
        """
        root = Place.named(settings.lake)
        root.refuse_unreachable()
        key = settings.vehicle_key.get_secret_value().encode() if settings.vehicle_key else None
        return cls(root.plain, _credential(settings, root.is_local), settings.buckets, key)._with_identity(
            create=create
        )

    @property
    def vehicle_key(self) -> bytes:
        """Key of the vehicle hash, which is needed to land.

        Raises:
            SettingsError: it was not given.
        """
        if self.key is None:
            raise SettingsError(
                "No vehicle key",
                found="SILLAGE_VEHICLE_KEY is not set",
                expected="the secret that this lake was made with, of at least 16 characters; the demo key is for a "
                "local lake only",
                action="set SILLAGE_VEHICLE_KEY, keep it safe, and never change it for this lake",
            )
        return self.key

    @property
    def has_demo_key(self) -> bool:
        """Everybody can tell which vehicle a hash stands for."""
        return self.key == _DEMO_KEY

    @property
    def is_local(self) -> bool:
        """The lake is a folder of this machine."""
        return Place(self.uri).is_local

    def path(self, *parts: str) -> str:
        """A path inside the lake, as ``filesystem`` wants it."""
        return self.place(*parts).fsspec

    def place(self, *parts: str) -> Place:
        """A folder or a file of the lake, for any engine."""
        return Place("/".join([self.uri.removesuffix("/"), *parts]) or "/")

    def table_place(self, name: str) -> Place:
        """A table's folder: ``<lake>/raw/telemetry``."""
        return self.place(*name.split("."))

    @cached_property
    def filesystem(self) -> Any:
        """An fsspec file system that sees the lake."""
        if self.is_local:
            return fsspec.filesystem("file", auto_mkdir=True)
        from lake.blobs import Blobs

        if self.credential.connection_string:
            return Blobs(connection_string=self.credential.connection_string)
        from azure.identity.aio import DefaultAzureCredential

        return Blobs(account_name=self.credential.account, credential=DefaultAzureCredential())

    @property
    def object_store_options(self) -> dict[str, str]:
        """Options for delta-rs; see ``polars_options``."""
        return {} if self.is_local else self._account() | delta_rs_options()

    @property
    def polars_options(self) -> dict[str, Any] | None:
        """Options for Polars, which shares the Rust ``object_store`` with delta-rs, but not all of its names."""
        return None if self.is_local else self._account() | polars_options()

    def _account(self) -> dict[str, str]:
        """How the Rust ``object_store`` gets in.

        With the machine's identity they hold a token that lasts about an hour: ask anew for every operation.
        """
        parts = self.credential.parts
        if not parts:
            token = _identity().get_token("https://storage.azure.com/.default").token
            return {"azure_storage_account_name": str(self.credential.account), "azure_storage_token": token}
        options = {"azure_storage_account_name": parts["AccountName"]}
        if "AccountKey" in parts:
            options["azure_storage_account_key"] = parts["AccountKey"]
        else:
            options["azure_storage_sas_token"] = parts["SharedAccessSignature"]
        if self.credential.endpoint:
            options["azure_storage_endpoint"] = self.credential.endpoint.rstrip("/")
            options["allow_http"] = str(self.credential.endpoint.startswith("http://")).lower()
        return options

    def prepare_duckdb(self, con: duckdb.DuckDBPyConnection) -> None:
        """Load the extensions and, on Azure, the secret, so that ``delta_scan`` reads this lake."""
        load_extension(con, "delta")
        con.execute("set timezone = 'UTC'")
        if self.is_local:
            return
        load_extension(con, "azure")
        if self.credential.connection_string:
            endpoint = self.credential.endpoint
            if endpoint and urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1"):
                # The delta extension ignores the endpoint of an emulator's secret and reads this variable.
                split = urlsplit(endpoint)
                os.environ["AZURITE_BLOB_STORAGE_URL"] = f"{split.scheme}://{split.netloc}"
            text = self.credential.connection_string.replace("'", "''")
            con.execute(f"create or replace secret lake (type azure, connection_string '{text}')")
        else:
            account = str(self.credential.account).replace("'", "''")
            con.execute(
                f"create or replace secret lake (type azure, provider credential_chain, account_name '{account}')"
            )

    def read_bytes(self, *parts: str) -> bytes | None:
        """Content of a small file of the lake, or ``None`` where there is none."""
        try:
            content: bytes = patiently(lambda: self.filesystem.cat_file(self.path(*parts)))
        except FileNotFoundError:
            return None
        return content

    def write_bytes(self, content: bytes, *parts: str) -> None:
        """Write a small file so that a reader sees the old content or the new."""
        target = self.path(*parts)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with _beside(target, content) as temporary:
                temporary.replace(target)
        else:
            patiently(lambda: self.filesystem.pipe_file(target, content))

    def write_new(self, content: bytes, *parts: str) -> None:
        """Write a small file unless it is there already: of several writers the first one's stays."""
        target = self.path(*parts)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with _beside(target, content) as temporary:
                try:
                    os.link(temporary, target)
                except FileExistsError:
                    pass
                except OSError:  # a file system without hard links
                    temporary.replace(target)
        else:
            with suppress(FileExistsError):
                patiently(lambda: self.filesystem.pipe_file(target, content, overwrite=False))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            symptom = symptom_of(error)
            if symptom and symptom.trouble is Trouble.FULL:
                raise
            said = error.found if isinstance(error, StorageError) else f"{type(error).__name__}: {error}"
            raise LakeError(
                "The lake cannot be reached",
                found=plain(said),
                expected=f"to read and write {self.uri}",
                action="check SILLAGE_LAKE and the credential; `sillage doctor` tries each step",
            ) from error

    def _with_identity(self, *, create: bool) -> Lake:
        """Compare with what the lake was made with; make it where there is none."""
        with self._reaching():
            known = self.read_bytes(_LAKE_FILE)
        if known is None:
            if not create:
                raise LakeError(
                    "There is no lake yet",
                    found=self.uri,
                    action="land something (`sillage land --feed …`), run `sillage demo`, or set SILLAGE_LAKE",
                )
            made = replace(self, key=_DEMO_KEY) if self.is_local and self.key is None else self
            identity = {"format": FORMAT_VERSION, "buckets": made.buckets, "key": _fingerprint(made.vehicle_key)}
            with self._reaching():
                self.write_new(json.dumps(identity).encode(), _LAKE_FILE)
                known = self.read_bytes(_LAKE_FILE)
            return made._as_made(known or b"")
        return self._as_made(known)

    def _as_made(self, known: bytes) -> Lake:
        """The lake with the buckets it was made with, and with the demo key if that is its own."""
        try:
            identity = json.loads(known)
            version, buckets, key = identity["format"], identity["buckets"], identity["key"]
        except (ValueError, LookupError, TypeError):
            raise LakeError(
                f"{_LAKE_FILE} of the lake cannot be read",
                found=repr(known[:80]),
                expected="a JSON object with format, buckets and key, as Sillage writes it",
                action="put the file back from a copy of the lake; it says which key hashed the vehicles",
            ) from None
        if version > FORMAT_VERSION:
            raise LakeError(
                "The lake was made by a newer Sillage",
                found=f"lake format {version}",
                expected=f"{FORMAT_VERSION} or older",
                action="upgrade Sillage",
            )
        given = self.key
        if given is None and self.is_local and key == _fingerprint(_DEMO_KEY):
            given = _DEMO_KEY
        if given is not None and key != _fingerprint(given):
            raise SettingsError(
                "The vehicle key is not the one this lake was made with",
                found="another key",
                expected="the key that hashed the vehicles already there: with another, each would count twice",
                action="set SILLAGE_VEHICLE_KEY to the lake's key, or SILLAGE_LAKE to another lake",
            )
        return replace(self, buckets=buckets, key=given)


@contextmanager
def _beside(target: str, content: bytes) -> Iterator[Path]:
    """A file beside another, with a content; afterwards it is gone, also where there was no room for it."""
    temporary = Path(f"{target}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _fingerprint(key: bytes) -> str:
    """What is written down of a key, so that another is noticed."""
    return hmac.new(key, b"sillage lake", hashlib.sha256).hexdigest()[:16]


def load_extension(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load a DuckDB extension from its wheel, which needs no network.

    Raises:
        LakeError: the wheel is not installed.
    """
    try:
        package = __import__(f"duckdb_extension_{name}")
        binary = next(Path(next(iter(package.__path__))).rglob("*.duckdb_extension"))
    except (ImportError, StopIteration):
        raise LakeError(
            f"DuckDB's {name} extension is not installed",
            expected=f"the package duckdb-extension-{name} in the version of DuckDB, {duckdb.__version__}",
            action=f"install it: uv pip install duckdb-extension-{name}=={duckdb.__version__}",
        ) from None
    con.load_extension(str(binary))


@cache
def _identity() -> Any:
    """The identity of this machine; it keeps and renews its tokens."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _credential(settings: Settings, local: bool) -> Credential:
    if local:
        return Credential()
    if settings.azure_connection_string is not None:
        credential = Credential(connection_string=settings.azure_connection_string.get_secret_value())
        if not credential.is_whole:
            raise SettingsError(
                "The setting SILLAGE_AZURE_CONNECTION_STRING is not usable",
                found="(not shown)",
                expected="AccountName=…, and AccountKey=… or SharedAccessSignature=…, separated by semicolons",
                action="copy the whole connection string of the storage account, and add AccountName where it lacks it",
            )
        return credential
    if settings.azure_account:
        return Credential(account=settings.azure_account)
    raise SettingsError(
        "No credential for the lake on Azure",
        found=f"SILLAGE_LAKE={settings.lake}",
        expected="SILLAGE_AZURE_ACCOUNT (the machine's identity signs in) or SILLAGE_AZURE_CONNECTION_STRING",
        action="set one of them",
    )

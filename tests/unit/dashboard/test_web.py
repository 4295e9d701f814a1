"""What every answer of the server carries, without a browser."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.draw.palette import DARK, LIGHT, Palette
from dashboard.server import is_loopback, serve
from dashboard.web.plotly import FILE, partial_bundle
from dashboard.web.status import status_of
from lake.errors import SettingsError, SillageError
from lake.settings import get_settings
from lake.snapshot import SnapshotInfo, point_to
from lake.storage import Lake
from metrics import Contracts, load_contracts
from orchestration.publishing import write_figures
from tests.e2e.serving import running
from tests.unit.dashboard.asking import Answer

FORBIDDEN = ("dagster", "deltalake", "orchestration", "transforms", "simulator")


Client = Callable[..., Answer]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(get_settings(lake=str(tmp_path_factory.mktemp("lake") / "none"))) as address:
        yield lambda path, **headers: Answer(address, path, headers)


def test_importing_the_dashboard_brings_no_other_room() -> None:
    code = f"import sys, dashboard.app; print([m for m in {FORBIDDEN} if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", ["/", "/usage", "/nowhere", "/healthz", "/assets/style.css", "/_dash-layout"])
def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = client(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_health_says_that_nothing_is_published(client: Client) -> None:
    assert json.loads(client("/healthz").content) == {
        "status": "nothing",
        "text": "Nothing published yet",
        "snapshot": None,
    }


def test_addresses_that_are_no_page_are_404(client: Client) -> None:
    assert client("/usage").status == 200
    assert client("/nowhere").status == 404
    assert client("/docs").status == 404
    assert client("/export/usage/activity.csv").status == 404


def test_only_names_of_this_machine_are_answered(client: Client) -> None:
    assert client("/healthz", Host="evil.example").status == 400


def test_a_part_of_plotly_is_sent_only_where_it_is_the_known_file(tmp_path: Path) -> None:
    assert partial_bundle(tmp_path / "none.js") is None
    strange = tmp_path / "strange.js"
    strange.write_bytes(b"/* something else */")
    assert partial_bundle(strange) is None
    if not FILE.exists():
        message = "the part of Plotly was not fetched: make setup, with npm"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    known = partial_bundle()
    assert known is not None
    assert partial_bundle(version="9.9.9") is None, "not beside a whole of another version"
    assert len(gzip.compress(known, 9)) < 600_000


def test_plotly_is_ours_compressed_and_cached(client: Client) -> None:
    path = "/_dash-component-suites/plotly/package_data/plotly.min.js"
    answer, raw = (client(path, **{"Accept-Encoding": how}) for how in ("gzip", "identity"))
    assert answer.headers["content-encoding"] == "gzip"
    assert raw.headers["content-encoding"] is None
    assert len(answer.content) < len(raw.content) / 3
    assert gzip.decompress(answer.content) == raw.content
    assert answer.headers["cache-control"] == "public, max-age=3600"


def test_files_with_a_version_in_their_address_stay_for_good(client: Client) -> None:
    page = client("/").content.decode()
    for known in ("dash_core_components.v", "/assets/app.js?m="):
        path = next(part for part in page.split('"') if known in part)
        assert "max-age=31536000" in client(path).headers["cache-control"]
    assert client("/assets/theme.js").headers["cache-control"] == "no-cache"


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("example.org")
    with pytest.raises(SettingsError, match="does not listen beyond"):
        serve(get_settings(lake=str(tmp_path)), "0.0.0.0", 0)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SillageError, match="cannot listen"):
            serve(get_settings(lake=str(tmp_path)), "127.0.0.1", taken.getsockname()[1])


def test_old_data_is_called_stale() -> None:
    now = datetime(2026, 3, 15, 6, tzinfo=UTC)
    info = SnapshotInfo("f", now - timedelta(minutes=6), date(2026, 1, 1), date(2026, 3, 14), None, "1")
    status = status_of(info, now)
    assert (status.state, status.text) == ("fresh", "Data to 14 Mar 2026 23:59 UTC · published 6 min ago")
    later = status_of(info, now + timedelta(days=3))
    assert later.state == "stale"
    assert "no newer data since 3 days" in later.text
    assert status_of(None, now).state == "nothing"


def test_the_stamp_tells_the_newest_event_and_no_time_to_come() -> None:
    now = datetime(2026, 3, 14, 9, tzinfo=UTC)
    today = SnapshotInfo("f", now, date(2026, 3, 14), date(2026, 3, 14), None, "1")
    assert status_of(today, now).text.startswith("Data to 14 Mar 2026 09:00 UTC")
    heard = replace(today, newest_event_at=now - timedelta(minutes=3))
    assert status_of(heard, now).text.startswith("Data to 14 Mar 2026 08:57 UTC")
    assert status_of(heard, now + timedelta(hours=37)).state == "stale"


def _contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_on_cards_can_be_read(colours: Palette) -> None:
    assert _contrast(colours.text, colours.card) >= 7
    assert _contrast(colours.muted, colours.card) >= 4.5
    assert _contrast(colours.accent, colours.card) >= 3
    assert _contrast(colours.fill, colours.card) >= 3


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_lines_and_bars_can_be_seen(colours: Palette) -> None:
    for name in ("accent", "fill", "accent_soft", "accent_dim", "quiet", "reference"):
        assert _contrast(getattr(colours, name), colours.card) >= 3, name


def test_text_colours_of_the_page_can_be_read() -> None:
    style = (Path(__file__).resolve().parents[3] / "dashboard" / "assets" / "style.css").read_text(encoding="utf-8")
    for block in (style.split(":root {")[1], style.split('scheme="dark"] {')[1]):
        tokens = dict(
            pair.strip().removeprefix("--").split(": ") for pair in block.split("}")[0].split(";") if ": #" in pair
        )
        for name in ("text", "muted", "accent", "good", "bad", "attention"):
            for ground in ("card", "page"):
                colour, under = tokens[name], tokens[ground]
                assert _contrast(_long(colour), _long(under)) >= 4.5, (name, ground)


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])


def test_a_damaged_snapshot_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    settings = get_settings(lake=str(tmp_path / "lake"))
    Lake.open(settings)
    (tmp_path / "lake" / "published").mkdir()
    (tmp_path / "lake" / "published" / "current.json").write_text("{")
    with running(settings) as address:
        health = Answer(address, "/healthz", {})
        assert (health.status, json.loads(health.content)["status"]) == (503, "unreadable")
        assert Answer(address, "/_dash-layout", {}).status == 200
        export = Answer(address, "/export/usage/activity.csv", {})
        assert export.status == 503
        assert b"is damaged. Error " in export.content


def test_a_snapshot_that_lacks_tables_of_this_version_says_what_to_do(tmp_path: Path) -> None:
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake = Lake.open(settings)
    folder = tmp_path / "lake" / "published"
    folder.mkdir()
    older = load_contracts()
    older = Contracts(tuple(table for table in older.tables if table.name != "driving"), older.dimensions)
    point_to(lake, write_figures(folder, {}, contracts=older, version="1", provisional_days=2))
    with running(settings) as address:
        assert json.loads(Answer(address, "/healthz", {}).content)["status"] == "unreadable"
        export = Answer(address, "/export/usage/activity.csv", {})
    assert export.status == 503
    assert b"published by an older Sillage" in export.content

"""Publishing the made-up fleet and serving it on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn

from dashboard.app import create_app
from dashboard.view.published import Published
from dashboard.web.connections import server_config
from lake.settings import Settings, get_settings
from lake.snapshot import point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.e2e.fleet import kpi_frames

DAYS = 75


def publish(folder: Path, *, days: int = DAYS, **fleet: Any) -> Settings:
    """Publish the made-up fleet of so many days, to yesterday; ``fleet`` as ``kpi_frames`` takes it."""
    return publish_frames(folder, kpi_frames(yesterday(), days, **fleet) if days else {})


def yesterday() -> date:
    """The newest day that is over."""
    return (datetime.now(UTC) - timedelta(1)).date()


def publish_frames(folder: Path, frames: Mapping[str, pl.DataFrame]) -> Settings:
    """Publish these tables in a lake in a folder."""
    settings = get_settings(lake=str(folder))
    lake, now = Lake.open(settings), datetime.now(UTC)
    target = folder / "published"
    target.mkdir(parents=True, exist_ok=True)
    point_to(lake, write_figures(target, frames, version="lake version 42", provisional_days=2, published_at=now))
    return settings


@contextmanager
def running(settings: Settings, published: Published | None = None) -> Iterator[str]:
    """The dashboard of a lake on a free port of this machine."""
    app = create_app(settings, published=published).server
    config = server_config(app, settings, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()

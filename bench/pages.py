"""Server time of a filter change: the page's own callback over HTTP, each time with a slice not asked before."""

from __future__ import annotations

import itertools
import json
import re
import statistics
import threading
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import uvicorn

from dashboard.app import create_app
from dashboard.connections import server_config
from lake.settings import Settings, get_settings
from lake.snapshot import current
from lake.storage import Lake
from orchestration.building import build
from orchestration.publishing import publish

_CHANGES = 40
#: A page full of figures is longer than this; an empty state is not.
_LEAST_ANSWER = 10_000
_MARKETS = ("CN", "JP", "FR", "DE", "ES", "GB", "BR", "IN", "MX", "US", "MA", "TR")
_PAGES = {"Overview": "overview", "Usage": "usage"}


def filter_changes(folder: Path) -> list[str]:
    """Build and publish the lake of the bench, serve it, and change filters. Returns the section of the page."""
    settings = get_settings(lake=str(folder / "lake-capture"))
    lake = Lake.open(settings)
    if current(lake) is None:
        build(lake, settings)
        publish(lake, settings)
    lines = ["## A filter change, server time", "", "| page | median | 95th percentile |", "|---|---:|---:|"]
    with _Server(settings) as address:
        callbacks = json.loads(_get(f"{address}/_dash-dependencies"))
        for title, name in _PAGES.items():
            spent = sorted(_change(address, _callback(callbacks, name), search) for search in _searches())
            high = spent[int(len(spent) * 0.95)]
            lines.append(f"| {title} | {statistics.median(spent) * 1000:.0f} ms | {high * 1000:.0f} ms |")
    return [*lines, "", f"{_CHANGES} changes of markets and period, none asked before, no cache.", ""]


def _searches() -> list[str]:
    pairs = itertools.combinations(_MARKETS, 2)
    return [
        f"?market={a}&market={b}&days={7 if n % 2 else 28}" for n, (a, b) in zip(range(_CHANGES), pairs, strict=False)
    ]


def _callback(callbacks: list[dict[str, Any]], page: str) -> dict[str, Any]:
    """The callback that fills a page."""
    return next(c for c in callbacks if f"{page}-body.className" in c["output"])


def _change(address: str, callback: dict[str, Any], search: str) -> float:
    outputs = [part.rpartition(".") for part in re.sub(r"^\.\.|\.\.$", "", callback["output"]).split("...")]
    values = {"url.search": search, "scheme.data": "light", "snapshot.data": None}
    body = {
        "output": callback["output"],
        "outputs": [{"id": name, "property": prop} for name, _, prop in outputs],
        "inputs": [{**given, "value": values[f"{given['id']}.{given['property']}"]} for given in callback["inputs"]],
        "changedPropIds": ["url.search"],
        "parsedChangedPropsIds": ["url.search"],
    }
    request = Request(
        f"{address}/_dash-update-component",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Origin": address},
    )
    began = time.perf_counter()
    with urlopen(request) as answer:
        if len(answer.read()) < _LEAST_ANSWER:
            raise RuntimeError(f"the page answered {search} with no figures")
    return time.perf_counter() - began


def _get(url: str) -> bytes:
    with urlopen(url) as answer:
        found: bytes = answer.read()
    return found


class _Server:
    """The dashboard on a free port of the loopback address, in a thread."""

    def __init__(self, settings: Settings) -> None:
        app = create_app(settings).server
        config = server_config(app, settings, host="127.0.0.1", port=0, log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

"""A dashboard on a made-up fleet, and Chromium before it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.view.history import Lives
from dashboard.view.published import Published
from lake.settings import Settings
from lake.snapshot import Snapshot
from tests.e2e.serving import publish, running
from tests.e2e.whole import publish_whole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake in which the made-up fleet is published."""
    return publish(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="session")
def published(settings: Settings) -> Published:
    """What the server reads; one process opens a snapshot once."""
    return Published(lambda: Snapshot.open(settings))


@pytest.fixture(scope="session")
def address(settings: Settings, published: Published) -> Iterator[str]:
    """Where the dashboard runs."""
    with running(settings, published) as address:
        yield address


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with something to show on every card of every page."""
    return publish_whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def whole_published(whole: Settings) -> Published:
    """What its server reads."""
    return Published(lambda: Snapshot.open(whole), lives=Lives.beside(whole))


@pytest.fixture(scope="session")
def whole_address(whole: Settings, whole_published: Published) -> Iterator[str]:
    """Where its dashboard runs."""
    with running(whole, whole_published) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        message = f"Chromium is not installed at {CHROMIUM}: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (not needed where there is no Chromium)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS, timeout=AT_MOST_MS)
        yield browser
        browser.close()


class Traffic:
    """What a page asked for, and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


Visit = Callable[..., "Page"]
#: How long the browser is waited for. A page that works is there long before, however busy the machine is.
AT_MOST_MS = 600_000
#: English, days before months, kilometres.
LOCALE = "en-IE"


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One profile for most pages: the scripts are fetched once."""
    context = browser.new_context(locale=LOCALE)
    yield context
    context.close()


@pytest.fixture
def visit(browser: Browser, profile: BrowserContext, address: str) -> Iterator[Visit]:
    """Open an address of the dashboard and wait for its figures; with options, in a profile of its own."""
    opened: list[Page | BrowserContext] = []

    def open_page(
        path: str = "/", *, width: int = 1440, height: int = 900, wait: str = ".foot", **options: str
    ) -> Page:
        context = browser.new_context(**{"locale": LOCALE, **options}) if options else profile  # type: ignore[arg-type]
        page = context.new_page()
        opened.append(context if options else page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(AT_MOST_MS)
        page.traffic = Traffic(page)  # type: ignore[attr-defined]
        page.goto(path if path.startswith("http") else address + path)
        page.wait_for_selector(wait)
        return page

    yield open_page
    for thing in opened:
        thing.close()

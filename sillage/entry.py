"""The command line: its commands, how errors are told, and exit codes."""

from __future__ import annotations

import logging
import signal
import sys
import tempfile
from importlib.metadata import version
from types import FrameType

from cyclopts import App

from lake.errors import SillageError
from lake.patience import explained, give_up, plain
from sillage.figures import metric, rank, why
from sillage.fleet import demo, simulate
from sillage.flow import build, land, maintain, publish
from sillage.terminal import err
from sillage.views import doctor, serve_dashboard, sql, status

app = App(
    name="sillage",
    help="An open lakehouse for connected vehicles.\n\n"
    "Lands telemetry of vehicles in Delta tables on a folder or on Azure, works out usage, diagnostic and market KPIs, "
    "and shows them on a dashboard and in SQL.\n\n"
    "Where the lake is and all else that can be set: environment variables SILLAGE_…, listed by `sillage doctor`.",
    version=lambda: version("sillage"),
    result_action="return_value",
)
for command in (demo, simulate, land, build, publish, maintain, metric, rank, why, sql, status, doctor):
    app.command(command)
app.command(serve_dashboard, name="serve")


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    _log_to_terminal()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        app([a for a in arguments if a != "--debug"])
    except SillageError as error:
        if debug:
            raise
        _tell(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("Interrupted. What was committed stays; run the command again to finish the rest.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        if (trouble := explained(error, _places())) is not None:
            _tell(trouble)
            sys.exit(trouble.exit_code)
        if isinstance(error, OSError) or type(error).__module__.startswith(("azure.", "deltalake.", "_internal")):
            err.print("A file, or the storage, could not be read or written", style="red")
            err.print(f"  found: {type(error).__name__}: {plain(str(error))}", markup=False, highlight=False)
            err.print("  do: check the path, the rights and the credential (`sillage doctor`), and run it again")
            sys.exit(1)
        err.print(f"[red]Something unforeseen went wrong[/]: {type(error).__name__}", highlight=False)
        err.print(plain(str(error), 500), markup=False, highlight=False)
        err.print("  [dim]do:[/] run it again with --debug for the details, and please report them")
        sys.exit(1)


def _tell(error: SillageError) -> None:
    err.print(error.title, style="red", markup=False, highlight=False)
    for label, text in (("found", error.found), ("expected", error.expected), ("do", error.action)):
        if text:
            err.print(f"  [dim]{label}:[/] ", end="")
            err.print(text, markup=False, highlight=False)


def _places() -> dict[str, str]:
    """Folders that may be full."""
    from lake.settings import get_settings

    settings = get_settings()
    places = {"temporary files": tempfile.gettempdir(), "the cache": str(settings.cache)}
    return places if settings.lake.startswith("az://") else {"the lake": settings.lake} | places


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C: those who wait to try something again wait no longer."""
    give_up()
    raise KeyboardInterrupt


class _Terminal(logging.Handler):
    """What is logged stands above the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        err.print(record.getMessage(), style="yellow", markup=False, highlight=False)


def _log_to_terminal() -> None:
    log = logging.getLogger("sillage")
    log.handlers, log.propagate = [_Terminal()], False

"""``python -m sillage`` and the script ``sillage``: the command line in a process of its own."""

import sys

from sillage import main


def alone() -> None:
    """Run the command line where nothing else runs."""
    # It comes with Dagster, which no command runs; dataframely would take half a second of each to import it.
    sys.modules.setdefault("sqlalchemy", None)  # type: ignore[arg-type]
    main()


if __name__ == "__main__":
    alone()

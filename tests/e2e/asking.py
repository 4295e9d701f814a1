"""Asking ``sillage metric`` what a page, or a file that was taken from it, shows."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lake.settings import Settings

#: Runs the command once for each list of arguments: a process is slow to begin.
_EACH = """
import json, sys, sillage
for arguments in json.load(sys.stdin):
    sys.argv = ["sillage", *arguments]
    try:
        sillage.main()
    except SystemExit as end:
        if end.code:
            raise
"""


def metric(settings: Settings, *arguments: str) -> list[dict[str, str]]:
    """The lines that ``sillage metric`` writes for these arguments."""
    return metrics(settings, [arguments])[0]


def metrics(settings: Settings, questions: Sequence[Sequence[str]]) -> list[list[dict[str, str]]]:
    """The lines that ``sillage metric`` writes for each list of arguments, all in one process of its own."""
    with TemporaryDirectory(prefix="sillage-asked-") as folder:
        files = [Path(folder) / f"{number}.csv" for number in range(len(questions))]
        commands = [["metric", *asked, "-o", str(file)] for asked, file in zip(questions, files, strict=True)]
        environment = os.environ | {"SILLAGE_LAKE": settings.lake}
        said = subprocess.run(
            [sys.executable, "-c", _EACH],
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return [list(csv.DictReader(file.read_text(encoding="utf-8").splitlines())) for file in files]

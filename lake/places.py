"""What each engine has to be told of a path, so that all of them reach the same file.

A path is text, and each engine has an idea of its own what the text means. delta-rs and DuckDB's ``delta_scan`` take a
URL, in which all but plain letters is percent-encoded. Polars takes the path as it is, and has to be kept from reading
patterns (``*``) and Hive columns (``key=value``) out of the folders that a lake lies in. fsspec takes it without the
protocol. What is read or written there is not known here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

from lake.errors import SettingsError

AZURE = "az://"
_FILE = "file://"

#: delta-rs decodes a name twice, takes a backslash for a slash, and its paths have no control characters.
_NOWHERE = re.compile(r"[\x00-\x1f\x7f\\]|%[0-9A-Fa-f]{2}|[\ud800-\udfff]")
#: It makes the path of a folder, decoded, the host of a URL, where these may not stand.
_NOT_IN_A_FOLDER = re.compile(_NOWHERE.pattern + r"|[][|^]")
#: On Azure a name is a text in which folders are parts between slashes; engines drop these parts.
_NOT_ON_AZURE = re.compile(_NOWHERE.pattern + r"|(?<=/)\.{0,2}(?=/|$)|\?versionid=")


@dataclass(frozen=True)
class Place:
    """A folder or a file, of this machine or on Azure.

    Attributes:
        plain: its path as people write it: absolute, or ``az://container/prefix``; nothing in it is encoded.
    """

    plain: str

    @classmethod
    def named(cls, text: str) -> Place:
        """The place that a setting names: a folder, also as a file URL, or ``az://container/prefix``."""
        if text.startswith(AZURE):
            return cls(text)
        return cls(str(_folder(text)))

    @property
    def is_local(self) -> bool:
        """It is on this machine."""
        return not self.plain.startswith(AZURE)

    @property
    def url(self) -> str:
        """For delta-rs and DuckDB's ``delta_scan``. No quote of SQL is in it."""
        if self.is_local:
            return _FILE + quote(self.plain)
        container, slash, prefix = self.plain.removeprefix(AZURE).partition("/")
        return AZURE + container + slash + quote(prefix)

    @property
    def polars(self) -> str:
        """For Polars, with ``glob=False``."""
        return self.plain

    @property
    def fsspec(self) -> str:
        """For the file system of the lake."""
        return self.plain.removeprefix(AZURE)

    @property
    def says_columns(self) -> bool:
        """Polars takes a part of it for a Hive column."""
        return "=" in self.plain

    def __truediv__(self, path: str) -> Place:
        return Place(f"{self.plain}/{path}")

    def refuse_unreachable(self) -> None:
        """Refuse a place that one of the engines cannot reach.

        Raises:
            SettingsError: something in its path stands for something else to an engine, however it is written.
        """
        pattern = _NOT_IN_A_FOLDER if self.is_local else _NOT_ON_AZURE
        found = pattern.search(self.plain if self.is_local else self.plain.removeprefix(AZURE))
        if found is None:
            return
        shown = ascii(found.group()) if found.group() else "an empty part"
        more = "[ ] | ^" if self.is_local else "empty parts, . and .. as parts, ?versionid="
        raise SettingsError(
            "The lake cannot lie there",
            found=f"{shown} in {self.plain!a}",
            expected=f"a path without control characters, \\, % followed by two hexadecimal digits, and {more}: "
            "delta-rs cannot open a table there",
            action="rename the folder, or set SILLAGE_LAKE to another",
        )


def _folder(text: str) -> Path:
    """The folder that a text names, absolute and without links: a path, which may begin with ``~``, or a file URL."""
    path = Path(unquote(text.removeprefix(_FILE)) if text.startswith(_FILE) else text)
    return at_home(path).resolve()


def at_home(path: Path) -> Path:
    """A path with ``~`` at its beginning replaced by the home folder, unless that is the name of something here."""
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # no user is called so
        return path


def relative_file(path: str) -> str:
    """The name of a file below its table's folder, which a Delta log has percent-encoded."""
    return unquote(path)


@contextmanager
def database_at(target: Path) -> Iterator[Path]:
    """A path at which DuckDB can write a database that is to become ``target``.

    DuckDB takes what follows a ``?`` for options, and puts the ending of its write-ahead log before it.
    """
    if "?" not in str(target):
        yield target
        return
    with TemporaryDirectory(prefix="sillage-") as folder:
        yield Path(folder) / target.name
        shutil.copyfile(Path(folder) / target.name, target)

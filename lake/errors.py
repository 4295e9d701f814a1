"""The errors a user is meant to read: a title, what was found, what was expected, what to do.

Every room raises these; the command line and the dashboard print them without a traceback.
"""

from __future__ import annotations


class SillageError(Exception):
    """An error with enough in it to act on.

    Attributes:
        title: what went wrong, in one line.
        found: what was there.
        expected: what should have been there.
        action: what the reader can do now.
    """

    exit_code = 1
    FIELDS = ("title", "found", "expected", "action")

    def __init__(self, title: str, *, found: str = "", expected: str = "", action: str = "") -> None:
        self.title, self.found, self.expected, self.action = title, found, expected, action
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.title]
        parts += [f"  {name}: {text}" for name, text in self._details() if text]
        return "\n".join(parts)

    def _details(self) -> list[tuple[str, str]]:
        return [("found", self.found), ("expected", self.expected), ("do", self.action)]


class SettingsError(SillageError):
    """A setting is missing or wrong."""

    exit_code = 2


class FeedError(SillageError):
    """A feed profile is wrong, or a file cannot be read as the profile says."""

    exit_code = 2


class LakeError(SillageError):
    """The lake cannot be reached, or holds something that this version does not understand."""


class ContractError(SillageError):
    """A metric contract or a KPI query is wrong."""


class QueryError(SillageError):
    """A query cannot be run as it stands."""

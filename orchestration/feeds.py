"""The feeds that land by themselves: every profile of the feeds folder, from its inbox in the lake."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lake.errors import FeedError
from lake.settings import Settings
from lake.storage import Lake
from orchestration.landing import LandingReport, land
from transforms.sources.profile import FeedProfile, load_profile


def load_profiles(settings: Settings) -> tuple[tuple[FeedProfile, ...], dict[str, FeedError]]:
    """The profiles of the feeds folder in the order of their files, and what is wrong with the others, by file name.

    Args:
        settings: where the folder is.

    Raises:
        FeedError: there is no such folder.
    """
    if not settings.feeds.is_dir():
        raise FeedError(
            "There is no folder of feed profiles",
            found=str(settings.feeds.absolute()),
            action="set SILLAGE_FEEDS to the folder of your profiles",
        )
    profiles: list[FeedProfile] = []
    wrong: dict[str, FeedError] = {}
    for path in sorted(settings.feeds.glob("*.toml")):
        try:
            profiles.append(load_profile(path))
        except FeedError as error:
            wrong[path.stem] = error
    return tuple(profiles), wrong


@dataclass(frozen=True)
class Landings:
    """What came of landing several feeds.

    Attributes:
        reports: of those that have landed.
        failed: what the others failed with, by name.
    """

    reports: list[LandingReport]
    failed: dict[str, Exception]

    def refuse_failures(self) -> None:
        """Say so if a feed has failed.

        Raises:
            FeedError: names all that have, and says what the first failed with.
        """
        if self.failed:
            first = next(iter(self.failed.values()))
            raise FeedError(
                f"Landing failed for {', '.join(self.failed)}", found=str(first), action="the other feeds have landed"
            ) from first


def land_feeds(lake: Lake, settings: Settings, names: Collection[str] = ()) -> Landings:
    """Land what waits in the inboxes, one feed after the other. A feed that fails does not keep the others out.

    Args:
        lake: where to.
        settings: sizes and folders.
        names: these feeds only; all where empty.

    Raises:
        FeedError: there is no feed of a name, or no folder of profiles.
    """
    profiles, wrong = load_profiles(settings)
    known = {profile.name for profile in profiles} | wrong.keys()
    if unknown := sorted(set(names) - known):
        raise FeedError(
            "There is no such feed",
            found=", ".join(unknown),
            expected=", ".join(sorted(known)) or f"a profile in {settings.feeds}",
        )
    reports: list[LandingReport] = []
    failed: dict[str, Exception] = {name: error for name, error in wrong.items() if not names or name in names}
    for profile in profiles:
        if names and profile.name not in names:
            continue
        try:
            reports.append(land(lake, settings, profile, settle=True))
        except Exception as error:  # noqa: BLE001 - whatever one feed fails with, the others land
            failed[profile.name] = error
    return Landings(reports, failed)

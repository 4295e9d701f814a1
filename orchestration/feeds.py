"""The feeds that land by themselves: every profile of the feeds folder, from its inbox in the lake."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lake.errors import FeedError, SillageError
from lake.settings import Settings
from lake.storage import Lake
from orchestration.landing import LandingReport, land
from transforms.sources.profile import FeedProfile, load_profile


def load_profiles(settings: Settings, names: Collection[str] = ()) -> tuple[FeedProfile, ...]:
    """The profiles of the feeds folder, in the order of their files.

    Args:
        settings: where the folder is.
        names: these feeds only; all where empty.

    Raises:
        FeedError: a profile is wrong, or there is none of a name.
    """
    profiles = [load_profile(Path(path)) for path in sorted(settings.feeds.glob("*.toml"))]
    unknown = sorted(set(names) - {profile.name for profile in profiles})
    if unknown:
        raise FeedError(
            "There is no such feed",
            found=", ".join(unknown),
            expected=", ".join(profile.name for profile in profiles) or f"a profile in {settings.feeds}",
        )
    return tuple(profile for profile in profiles if not names or profile.name in names)


def land_feeds(lake: Lake, settings: Settings, names: Collection[str] = ()) -> list[LandingReport]:
    """Land what waits in the inboxes, one feed after the other. A feed that fails does not keep the others out.

    Args:
        lake: where to.
        settings: sizes and folders.
        names: these feeds only; all where empty.

    Raises:
        FeedError: feeds that failed, once all others have landed.
    """
    reports: list[LandingReport] = []
    failed: dict[str, SillageError] = {}
    for profile in load_profiles(settings, names):
        try:
            reports.append(land(lake, settings, profile, settle=True))
        except SillageError as error:
            failed[profile.name] = error
    if failed:
        first = next(iter(failed.values()))
        raise FeedError(
            f"Landing failed for {', '.join(failed)}", found=str(first), action="the other feeds have landed"
        ) from first
    return reports

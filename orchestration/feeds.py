"""The feeds that land by themselves: every profile of the feeds folder, from its inbox in the lake."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lake.errors import FeedError
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
    profiles = [load_profile(path) for path in _paths(settings)]
    _refuse_unknown(settings, names, [profile.name for profile in profiles])
    return tuple(profile for profile in profiles if not names or profile.name in names)


def _paths(settings: Settings) -> list[Path]:
    return sorted(settings.feeds.glob("*.toml"))


def _refuse_unknown(settings: Settings, names: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise FeedError(
            "There is no such feed",
            found=", ".join(unknown),
            expected=", ".join(known) or f"a profile in {settings.feeds}",
        )


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
    failed: dict[str, Exception] = {}
    known: list[str] = []
    for path in _paths(settings):
        name = path.stem
        try:
            profile = load_profile(path)
            name = profile.name
            known.append(name)
            if not names or name in names:
                reports.append(land(lake, settings, profile, settle=True))
        except Exception as error:  # noqa: BLE001 - whatever one feed fails with, the others land
            failed[name] = error
    _refuse_unknown(settings, names, [*known, *failed])
    if failed:
        first = next(iter(failed.values()))
        raise FeedError(
            f"Landing failed for {', '.join(failed)}", found=str(first), action="the other feeds have landed"
        ) from first
    return reports

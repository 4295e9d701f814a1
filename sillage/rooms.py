"""The settings and the lake that commands work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.settings import Settings
    from lake.storage import Lake

#: The feed of the simulated fleet.
SIMULATED = "fleet"


@dataclass(frozen=True)
class Rooms:
    """Settings and the lake, opened."""

    settings: Settings
    lake: Lake


def open_rooms(*, create: bool = True) -> Rooms:
    from lake.settings import get_settings
    from lake.storage import Lake

    settings = get_settings()
    return Rooms(settings, Lake.open(settings, create=create))

"""The pages: each has ``PAGE``, ``layout(**query)`` and ``register_callbacks``; ``dashboard.app`` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import Dash

from dashboard.filters import View
from dashboard.published import Published, Reading
from dashboard.sheets import Sheet


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        name: in links to exports, and the path but for the start page.
        path: where it is.
        title: in the navigation and the header.
        icon: class of its icon, ``icon-<name>``.
        layout: its frame, with skeletons where figures will be; called with the view of the address.
        register_callbacks: adds its callbacks to the app.
        sheets: the rows behind its cards, by card.
    """

    name: str
    path: str
    title: str
    icon: str
    layout: Callable[..., Any]
    register_callbacks: Callable[[Dash, Published], None]
    sheets: Callable[[Reading, View], dict[str, Sheet]]

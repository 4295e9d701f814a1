"""Colours. The same tokens stand in ``assets/style.css``; here are those that Plotly draws with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as Plotly wants them.

    Attributes:
        card: background of a card.
        text: figures and titles.
        muted: axis labels.
        line: gridlines.
        accent: the one colour that says "this is the figure".
        fill: the same for large areas, which glow in the dark otherwise.
        accent_soft: its companion, for a second part of the same whole.
        accent_dim: its companion for days of lesser weight.
        quiet: the part that is not there.
        reference: the line that something is compared with.
        attention: the frame of provisional days.
        attention_fill: their ground.
    """

    card: str
    text: str
    muted: str
    line: str
    accent: str
    fill: str
    accent_soft: str
    accent_dim: str
    quiet: str
    reference: str
    attention: str
    attention_fill: str


LIGHT = Palette(
    card="#ffffff",
    text="#16262c",
    muted="#5a6a71",
    line="#e7ecee",
    accent="#0b6e74",
    fill="#0b6e74",
    accent_soft="#559da2",
    accent_dim="#559da2",
    quiet="#87949a",
    reference="#839097",
    attention="#b38a1f",
    attention_fill="rgba(232,196,106,0.16)",
)
DARK = Palette(
    card="#1a2226",
    text="#e6edef",
    muted="#9aa9af",
    line="#283338",
    accent="#57b6bb",
    fill="#3f979d",
    accent_soft="#337579",
    accent_dim="#3f8c91",
    quiet="#708087",
    reference="#7d8c92",
    attention="#c9a544",
    attention_fill="rgba(232,196,106,0.10)",
)


def palette(scheme: str | None) -> Palette:
    """The colours of a theme; light unless it is dark."""
    return DARK if scheme == "dark" else LIGHT

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
        calm: the part of a whole that is well.
        warning: the part that needs attention.
        bad: the part to act on.
        reference: the line that something is compared with.
        attention: the frame of provisional days.
        attention_fill: their ground.
        heat_low: a cell of next to nothing.
        heat_high: the fullest cell.
        series: up to eight colours that tell lines apart, also for the colour-blind.
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
    calm: str
    warning: str
    bad: str
    reference: str
    attention: str
    attention_fill: str
    heat_low: str
    heat_high: str
    series: tuple[str, ...]

    def line_color(self, place: int, lines: int) -> str:
        """Colour of one of several lines: the last is the figure, those before it are its companions."""
        return self.accent if place == lines - 1 else self.accent_dim


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
    calm="#b9d6d7",
    warning="#e8c46a",
    bad="#c4472d",
    reference="#839097",
    attention="#b38a1f",
    attention_fill="rgba(232,196,106,0.16)",
    heat_low="#e9f3f3",
    heat_high="#0b6e74",
    series=("#0b6e74", "#c46a1b", "#5b62b3", "#8a6a10", "#a3386c", "#3c7d3f", "#2f78b7", "#6b7379"),
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
    calm="#2f5c60",
    warning="#c9a544",
    bad="#d2593e",
    reference="#7d8c92",
    attention="#c9a544",
    attention_fill="rgba(232,196,106,0.10)",
    heat_low="#1f3437",
    heat_high="#57b6bb",
    series=("#57b6bb", "#e39a55", "#9aa0ec", "#d8b450", "#e283ab", "#7fc183", "#74b4e8", "#a7b0b5"),
)


def palette(scheme: str | None) -> Palette:
    """The colours of a theme; light unless it is dark."""
    return DARK if scheme == "dark" else LIGHT

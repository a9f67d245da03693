"""The viewer's colours on light and on dark paper, made of those of all figures."""

from __future__ import annotations

from lth_utils import connectivity
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS, TASK_COLOURS

BLACK, WHITE = "#000000", "#ffffff"

GREYS = {
    "light": {
        "ink": "#1d2328",
        "soft": "#545f68",
        "paper": "#ffffff",
        "line": "#c3cad0",
        "several": "#777777",
        "none": "#bbbbbb",
        "only": "#d55e00",
    },
    "dark": {
        "ink": "#e8ecef",
        "soft": "#a9b3bb",
        "paper": "#14181b",
        "line": "#48525a",
        "several": "#8d969d",
        "none": "#5d666d",
        "only": "#ff9a4d",
    },
}
"""Of text, paper and lines, and of weights that several, no or only one of two networks have."""


def mix(colour: str, other: str, share: float) -> str:
    """A colour mixed with another one.

    Args:
        colour: as ``#rrggbb``.
        other: likewise.
        share: of the first one, 0 to 1.

    >>> mix("#ff0000", "#0000ff", 0.5)
    '#800080'
    """
    first, second = (bytes.fromhex(c.removeprefix("#")) for c in (colour, other))
    mixed = [round(share * a + (1 - share) * b) for a, b in zip(first, second, strict=True)]
    return f"#{bytes(mixed).hex()}"


def _looks(theme: str) -> dict:
    """All colours of a theme: of marks, and ``words`` and ``texts`` of those that are read."""
    dark = theme == "dark"

    def mark(colour: str) -> str:
        return mix(colour, WHITE, 0.58) if dark else colour

    def text(colour: str) -> str:
        return mix(colour, WHITE, 0.6) if dark else mix(colour, BLACK, 0.62)

    states = [mark(STATE_COLOURS[name]) for name in connectivity.STATE_NAMES]
    if dark:
        states[0] = GREYS["dark"]["none"]  # pruned weights are faint
    return {
        **GREYS[theme],
        "inks": [GREYS[theme]["ink"]],
        "states": states,
        "statuses": {word: mark(colour) for word, colour in STATUS_COLOURS.items()},
        "words": {word: text(colour) for word, colour in STATUS_COLOURS.items()},
        "tasks": [mark(colour) for colour in TASK_COLOURS],
        "texts": [text(colour) for colour in TASK_COLOURS],
    }


PALETTE = {theme: _looks(theme) for theme in GREYS}
"""Colours by theme and name."""

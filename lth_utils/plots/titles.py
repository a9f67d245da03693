"""Titles that say what a figure found, and the counts in words that stand in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import panel_title

TITLE_SIZE = 16
"""Of the title of a whole figure, points."""

PANEL_SIZE = 14
"""Of the title of a panel, points."""

LETTER = 0.52
"""Width of an average letter, as a share of the size of the letters."""


def wrapped(text: str, inches: float, size: float = 12) -> str:
    """A text in lines that are at most so many inches long, in letters of `size` points."""
    return textwrap.fill(text, max(12, int(inches * 72 / (size * LETTER))))


def figure_title(figure: Figure, text: str):
    """What the whole figure found, in bold above its panels, in lines that fit its width."""
    inches = 0.97 * figure.bbox.width / figure.dpi  # also of a part of a figure
    look = {"x": 0.01, "ha": "left", "fontsize": TITLE_SIZE, "fontweight": "bold"}
    # bold letters are wider
    figure.suptitle(wrapped(text, inches / 1.2, TITLE_SIZE), **look)


def panel_finding(ax: Axes, text: str, inches: float):
    """What a panel found, above it, in lines of at most so many inches."""
    panel_title(ax, wrapped(text, inches, PANEL_SIZE))


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def span(values: Iterable[float], form: str = "{:.1f}") -> str:
    """The lowest and the highest of several values, once where they read the same.

    >>> span([0.3, 1.21], "{:+.1f}")
    '+0.3 to +1.2'
    """
    values = list(values)
    low, high = form.format(min(values)), form.format(max(values))
    low, high = ("0.0" if end in ("+0.0", "-0.0") else end for end in (low, high))
    return low if low == high else f"{low} to {high}"


def spans(levels: Iterable[int]) -> str:
    """Whole numbers in words, neighbours together; "none" where there are none.

    >>> spans([9, 10, 11, 13])
    '9 to 11, 13'
    """
    parts: list[list[int]] = []
    for level in sorted(map(int, levels)):
        if parts and level == parts[-1][-1] + 1:
            parts[-1].append(level)
        else:
            parts.append([level])
    words = [f"{p[0]} to {p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts]
    return ", ".join(words) or "none"


def percent(share: float) -> str:
    """A share in percent that does not break over two lines, with two digits where it is small.

    >>> percent(1 / 3).split(), percent(0.00213).split()
    (['33', '%'], ['0.21', '%'])
    """
    number = f"{100 * share:.2g}" if 0 < share < 0.05 else f"{100 * share:.0f}"
    return f"{number}\u00a0%"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one.

    >>> counted(1, "run"), counted(4, "run")
    ('1 run', '4 runs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def draws_of(table: pd.DataFrame) -> Sequence[int]:
    """The column ``draws`` of a table of counts, ones where it has none."""
    return list(table["draws"]) if "draws" in table else [1] * len(table)


def runs_and_draws(rows: pd.DataFrame) -> str:
    """How many runs each row of counts is about, and on how many draws of the points, in words.

    Args:
        rows: columns ``runs`` and, where known, ``draws``.
    """
    runs = counted(int(rows["runs"].max()), "run")
    if rows["runs"].nunique() > 1:
        runs = f"{rows['runs'].min()} to {runs}"
    if "draws" not in rows:
        return runs
    draws = counted(int(rows["draws"].max()), "draw")
    if rows["draws"].nunique() > 1:
        draws = f"{rows['draws'].min()} to {draws}"
    return f"{runs} on {draws} of the points"


def per_level(runs: pd.DataFrame) -> str:
    """How many runs on how many draws of the data each extension level has, in words.

    Args:
        runs: column ``extension``, and ``draw`` where there are several.
    """
    groups = runs.groupby([name for name in ("network", "extension") if name in runs])
    counts = groups.size().to_frame("runs")
    if "draw" in runs:
        counts["draws"] = groups["draw"].nunique()
    return f"{runs_and_draws(counts)} per level"

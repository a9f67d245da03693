"""Titles of figures: the finding, in numbers of the data that is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import pandas as pd
from matplotlib.figure import Figure

SIZE = 16
"""Of a figure's title, points."""


def finding(figure: Figure, text: str):
    """What a figure shows, in bold above its panels, in lines that fit its width."""
    letters = int(figure.get_figwidth() * 72 / (0.66 * SIZE))
    lines = textwrap.fill(text, letters)
    figure.suptitle(lines, x=0.01, ha="left", fontsize=SIZE, fontweight="bold")


def lines(text: str, width: float, size: float = 12) -> str:
    """A panel's title in lines that fit its width, inches."""
    return textwrap.fill(text, int(width * 72 / (0.52 * size)))


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


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one.

    >>> counted(1, "run"), counted(4, "run")
    ('1 run', '4 runs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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

"""Progress of a sweep, shown as a bar or as lines."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

LINES_EVERY = 0.04
"""Share of the work between two lines of a log."""


@contextlib.contextmanager
def bar(file: TextIO | None = None) -> Iterator[Callable[[str, float], None]]:
    """A callable that shows progress, for ``sweep.run``.

    Args:
        file: where lines are written if there is no terminal, default the standard output.

    Yields:
        A function of a line of text and the share done, from 0 to 1. On a terminal it updates a
        bar, else it writes a line now and then with the remaining time.
    """
    if not sys.stderr.isatty():
        yield _line_writer(file or sys.stdout)
        return
    from tqdm.auto import tqdm

    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as line:

        def update(text, share):
            line.set_description_str(text, refresh=False)
            line.update(100 * share - line.n)

        yield update


def _line_writer(file: TextIO) -> Callable[[str, float], None]:
    """Writes a line each time that ``LINES_EVERY`` more of the work is done."""
    began = time.perf_counter()
    written = -1.0

    def write(text, share):
        nonlocal written
        if share - written < LINES_EVERY and share < 1:
            return
        written = share
        seconds_left = (time.perf_counter() - began) * (1 - share) / max(share, 1e-9)
        print(f"{share:4.0%}  {text}; about {seconds_left:.0f} s left", file=file, flush=True)

    return write

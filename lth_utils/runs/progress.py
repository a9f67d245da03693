"""Progress of a sweep as a bar or as lines."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

LINES_EVERY = 0.04
"""Share of the work between two lines of a log."""


@contextlib.contextmanager
def bar(file=None) -> Iterator[Callable[[str, float], None]]:
    """A progress callable: a bar on a terminal, else a line now and then with the remaining time."""
    file, began, shown = file or sys.stdout, time.perf_counter(), -1.0
    if sys.stderr.isatty():
        from tqdm.auto import tqdm

        with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as line:

            def update(text, share):
                line.set_description_str(text, refresh=False)
                line.update(100 * share - line.n)

            yield update
        return

    def write(text, share):
        nonlocal shown
        if share - shown < LINES_EVERY and share < 1:
            return
        shown, left = share, (time.perf_counter() - began) * (1 - share) / max(share, 1e-9)
        print(f"{share:4.0%}  {text}; about {left:.0f} s left", file=file, flush=True)

    yield write

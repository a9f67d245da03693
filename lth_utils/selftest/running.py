"""Checks run one after the other, each with a time limit; none can take the others along."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

LAST_FRAMES = 8
"""How many frames of an error or of a hanging thread are shown."""

GRACE = 30.0
"""Seconds beyond a check's limit after which the process ends, if not even Python code runs."""

AFTER_A_HANG = 30.0
"""Seconds for each check after one that did not end: what hung it may hang them, too."""


class CheckFailed(Exception):
    """A check found what should not be; the message says what."""


@dataclass(frozen=True)
class Check:
    """Something to find out.

    Attributes:
        title: a few words.
        run: returns lines with numbers for the report.
        seconds: its time limit.
    """

    title: str
    run: Callable[[], list[str]]
    seconds: float


@dataclass
class Result:
    """What became of a check.

    Attributes:
        title: of the check.
        lines: what it returned.
        seconds: time it took.
        error: what it raised.
        ended: whether it came to an end.
    """

    title: str
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: BaseException | None = None
    ended: bool = False

    @property
    def passed(self) -> bool:
        """Whether all is as it should be."""
        return self.ended and self.error is None

    def text(self) -> str:
        """The check's part of the page."""
        word = "passed" if self.passed else "FAILED"
        lines = list(self.lines)
        if self.error is not None:
            lines.append(f"{type(self.error).__name__}: {str(self.error)[:600]}")
        elif not self.ended:
            lines.append("did not end; what its threads were doing is on stderr")
        head = f"{word}  {self.title} ({self.seconds:.1f} s)"
        return "\n".join([head, *(f"        {line}" for line in lines)])


def run_checks(checks: list[Check], say: Callable[[str], None]) -> list[Result]:
    """Run all checks, whatever becomes of each.

    Args:
        checks: in the order in which they run.
        say: is told of each check as soon as it has ended.
    """
    results: list[Result] = []
    for check in checks:
        seconds = check.seconds
        if any(not result.ended for result in results):
            seconds = min(seconds, AFTER_A_HANG)
        results.append(_run(check, seconds))
        say(results[-1].text())
    return results


def _run(check: Check, seconds: float) -> Result:
    """Run one check in a thread of its own, for at most so many seconds."""
    result = Result(check.title)

    def work():
        try:
            result.lines = check.run()
        except BaseException as error:
            result.error = error
        result.ended = True

    thread = threading.Thread(target=work, daemon=True, name=check.title)
    began = time.perf_counter()
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=sys.__stderr__)
    try:
        thread.start()
        thread.join(seconds)
    finally:
        faulthandler.cancel_dump_traceback_later()
    # what the thread does from now on is not looked at any more
    found = Result(check.title, list(result.lines), time.perf_counter() - began)
    found.error, found.ended = result.error, result.ended
    if not found.ended:
        print(f"{check.title}: not ended after {seconds:g} s\n{_threads()}", file=sys.stderr)
    return found


def _threads() -> str:
    """What all threads are doing; those that do the same are counted."""
    doing = defaultdict(list)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame)[-LAST_FRAMES:])
        doing[stack].append(names.get(ident, "?"))
    parts = [f"{len(who)} x {who[0]}\n{stack}" for stack, who in doing.items()]
    return "\n".join(parts)


def tracebacks(results: list[Result]) -> str:
    """The last frames of every error, for those who repair it."""
    parts = []
    for result in results:
        error = result.error
        if error is not None:
            frames = traceback.format_exception(error)
            shown = "".join(frames).splitlines()[-3 * LAST_FRAMES :]
            parts.append("\n".join([f"--- {result.title}", *shown]))
    return "\n".join(parts)

"""What a sweep did, and the error of one in which runs failed."""

from __future__ import annotations

from dataclasses import dataclass


class SweepError(RuntimeError):
    """Some runs of a sweep failed or could not be waited for; finished ones are kept."""


@dataclass(frozen=True)
class Report:
    """What a sweep did.

    Attributes:
        done: outcome of each run computed now, by run id.
        reused: ids of the runs that were finished before.
        failed: reason for each failed run, by run id.
        seconds: time spent.
        saved: seconds that the reused runs had taken to compute.
    """

    done: dict[str, str]
    reused: tuple[str, ...]
    failed: dict[str, str]
    seconds: float
    saved: float

    def __str__(self) -> str:
        return (
            f"{len(self.done)} runs computed in {self.seconds:.0f} s, "
            f"{len(self.reused)} found finished (which saved {self.saved:.0f} s of computing), "
            f"{len(self.failed)} failed"
        )

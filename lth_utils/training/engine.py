"""What a training engine is: a name, a training function, and how many runs it takes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset


class Cancelled(Exception):
    """Training was ended from another thread."""


class TrainFunction(Protocol):
    """The contract of every engine's training function."""

    def __call__(
        self,
        flat: Tensor,
        mask: Tensor,
        shape: Shape,
        seeds: Sequence[int],
        data: Dataset,
        spec: TrainSpec,
        cancel: Event | None = None,
    ) -> tuple[Tensor, list[np.ndarray]]:
        """Train every member until it stops by itself.

        Training is batch-invariant: a member's result depends neither on which members are
        trained with it nor on the number of threads, bit for bit.

        Args:
            flat: parameters to start from, float32 ``[M, P]``, left unchanged; all weights layer
                by layer, then all biases. Masked weights are zero.
            mask: bool ``[M, W]``; weights stay exactly zero where it is False.
            shape: the networks' shape, see ``config.Shape``.
            seeds: M ints; each draws the order of its member's batches.
            data: the examples; early stopping watches the loss on the test split.
            spec: learning rate, batch size, patience and the like.
            cancel: ends the training when it is set from another thread.

        Returns:
            The trained parameters, float32 ``[M, P]``, and one record per member, float64
            ``[epochs, 3]``: loss on the test split, accuracy there (mean over the tasks), and
            loss on the training split (mean over the examples, each taken before its batch's
            step). The last two are NaN unless ``spec.record``. A member whose loss is not finite
            stops, and the last row of its record says so.

        Raises:
            Cancelled: `cancel` was set.
        """


class _Signal(Event):
    """Set by itself, or by the caller's signal, which it never sets."""

    def __init__(self, callers: Event | None):
        super().__init__()
        self.callers = callers

    def is_set(self) -> bool:
        return super().is_set() or (self.callers is not None and self.callers.is_set())


def train_in_threads(
    train_member: Callable[[int, Event], Any],
    n_members: int,
    cancel: Event | None = None,
    **pool_options,
) -> list:
    """Train members at once, each in a thread, as many as torch may use.

    Where one of them fails, the others end, too.

    Args:
        train_member: trains the member at a position, until the signal is set.
        n_members: how many there are.
        cancel: the caller's signal; it is left as it is.
        pool_options: of ``ThreadPoolExecutor``.

    Returns:
        What `train_member` returned, in the order of the members.

    Raises:
        Exception: that of the member that failed first.
    """
    stop = _Signal(cancel)
    with ThreadPoolExecutor(torch.get_num_threads(), **pool_options) as pool:
        try:
            pending = [pool.submit(train_member, m, stop) for m in range(n_members)]
            for future in wait(pending, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:
            stop.set()
            raise
        return [future.result() for future in pending]


@dataclass(frozen=True)
class Engine:
    """One way to train members.

    Attributes:
        name: word for tables and messages.
        train: the training function.
        max_concurrent_runs: largest number of runs that are trained at once, each from a thread
            of its own. 0: one population after the other, each as a whole.
    """

    name: str
    train: TrainFunction
    max_concurrent_runs: int

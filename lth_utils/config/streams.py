"""Named random streams from a run's own seed."""

from __future__ import annotations

import hashlib

import numpy as np


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """A named random stream; streams of other names or seeds are independent.

    Args:
        seed: the run's own.
        names: what is drawn, such as ``"init"``.

    Returns:
        A generator at the stream's beginning.
    """
    words = [int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:4], "little") for n in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))

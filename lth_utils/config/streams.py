"""Named random streams from a run's own seed."""

from __future__ import annotations

import hashlib

import numpy as np


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """The named random stream of a run: ``rng(3, "init")``; streams of other names are independent."""
    words = [int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:4], "little") for n in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))

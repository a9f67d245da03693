"""Data whose structure is known but hidden: blocks of inputs and outputs, shuffled together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lth_utils.config import SpecError, choose, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task

TEST_ROWS = 2000
"""Examples of the test split, whose labels are never flipped."""

VALIDATION = 0.15
"""Share of the examples that stops training."""

SHIFT = 0.15
"""How far the thresholds of two parities lie from zero, so that the two are not one function."""


def _marginal(x: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """A weighted sum: every input tells something by itself."""
    weights = stream.uniform(0.7, 1.3, x.shape[1]) * stream.choice([-1, 1], x.shape[1])
    return x @ weights


def _joint(x: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Products of neighbours in some order: no input tells anything by itself, but pairs do."""
    order = stream.permutation(x.shape[1])
    signs = stream.choice([-1, 1], x.shape[1] - 1)
    return (x[:, order[:-1]] * x[:, order[1:]]) @ signs


def _parity(x: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """The sign of the product of all inputs: only all of them together tell something."""
    return np.sign(x - SHIFT * stream.choice([-1, 1], x.shape[1])).prod(1)


BANKS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "marginal": _marginal,
    "joint": _joint,
    "parity": _parity,
}
"""What an output says of the inputs of its block: a number whose sign is the label."""


def hidden(
    bank: str = "joint",
    k: int = 3,
    block: int = 3,
    outputs: int = 2,
    n_samples: int = 1000,
    noise: float = 0.0,
    distractors: int = 0,
    seed: int = 0,
) -> Dataset:
    """Blocks of inputs and outputs that have nothing to do with each other, in a random order.

    Each output depends on all inputs of its block, uniform in -1…1, and on no others. Every
    output is a task of its own whose inputs are not said: which outputs and inputs hang together
    is what is to be found, see :func:`hidden_blocks`.

    Args:
        bank: of ``BANKS``: what the outputs are.
        k: number of blocks, 1 or more.
        block: inputs per block, 2 or more.
        outputs: outputs per block, 1 or more.
        n_samples: all that may be learned from, 20 or more: 85 % for training, the rest stops it.
        noise: share of the labels that are flipped in these examples, 0 to 0.5.
        distractors: inputs that tell nothing.
        seed: of the blocks, of their order and of the examples.

    Returns:
        Standardised inputs ``[B, k block + distractors]``, ``k outputs`` binary labels, a
        validation split, and 2000 examples without noise for the test.

    Raises:
        SpecError: an unknown bank or a value out of range.

    >>> hidden(n_samples=40, distractors=2).ends
    (11, 6)
    """
    choose(bank, BANKS, "a bank")
    if min(k, outputs) < 1 or block < 2 or n_samples < 20 or min(distractors, seed) < 0:
        raise SpecError(
            f"k is {k}, block {block}, outputs {outputs}, n_samples {n_samples}, distractors "
            f"{distractors}, seed {seed}; allowed: k and outputs 1 or more, block 2 or more, "
            "n_samples 20 or more, the others 0 or more"
        )
    if not 0 <= noise <= 0.5:
        raise SpecError(f"noise is {noise}; allowed: 0 to 0.5, the share of labels flipped")
    of_input, of_output = hidden_blocks(k, block, outputs, distractors, seed)
    rows = n_samples + TEST_ROWS
    x = rng(seed, "hidden", "inputs").uniform(-1, 1, (rows, len(of_input)))
    y = np.empty((rows, len(of_output)), dtype=np.int64)
    for n, of_block in enumerate(of_output):
        own = x[:, of_input == of_block]
        y[:, n] = BANKS[bank](own, rng(seed, "hidden", bank, n)) > 0
    flipped = rng(seed, "hidden", "noise").random((n_samples, y.shape[1])) < noise
    y[:n_samples] ^= flipped
    return _split(x, y, n_samples)


def _split(x: np.ndarray, y: np.ndarray, n_samples: int) -> Dataset:
    """The rows in three splits, one task per output, whose inputs are unknown."""
    first = n_samples - max(1, round(VALIDATION * n_samples))
    x_train, others = standardise(x[:first], x[first:])
    held = n_samples - first
    return Dataset(
        x_train,
        y[:first],
        others[held:],
        y[n_samples:],
        tuple(Task(f"y{n + 1}", (), range(n, n + 1)) for n in range(y.shape[1])),
        x_validation=others[:held],
        y_validation=y[first:n_samples],
        input_names=tuple(f"x{n + 1}" for n in range(x.shape[1])),
    )


def hidden_blocks(
    k: int = 3, block: int = 3, outputs: int = 2, distractors: int = 0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The structure that :func:`hidden` hides.

    Args:
        k, block, outputs, distractors, seed: as there.

    Returns:
        The block of each input, int64 ``[I]``, -1 for distractors, and of each output ``[O]``.
    """
    of_input = np.concatenate([np.repeat(np.arange(k), block), np.full(distractors, -1)])
    stream = rng(seed, "hidden", "order")
    return stream.permutation(of_input), stream.permutation(np.repeat(np.arange(k), outputs))


def unequal(
    noise: float = 0.0,
    weight: float = 1.0,
    inputs: int = 2,
    distractors: int = 0,
    n_samples: int = 1000,
    seed: int = 0,
) -> Dataset:
    """Two tasks of the same kind, of which the second is harder, or counts less.

    Each label is whether a point lies in the inner half of a ball: the sum of the squares of the
    task's inputs, which are normal, is below its median.

    Args:
        noise: share of the second task's labels that are flipped, 0 to 0.5.
        weight: of the second task's loss, above 0.
        inputs: of the second task; the first has two.
        distractors: inputs that tell nothing, behind the others.
        n_samples: examples of the training split, 20 or more, of which 15 % stop training.
        seed: of the data.

    Returns:
        Standardised inputs, two binary labels, a validation split, and 2000 examples for the test,
        whose labels are not flipped.

    Raises:
        SpecError: a value out of range.

    >>> unequal(n_samples=50, inputs=4).tasks[1].inputs
    range(2, 6)
    """
    if not 0 <= noise <= 0.5 or inputs < 1 or distractors < 0 or n_samples < 20 or seed < 0:
        raise SpecError(
            f"noise is {noise}, inputs {inputs}, distractors {distractors}, n_samples {n_samples}, "
            f"seed {seed}; allowed: noise 0 to 0.5, inputs 1 or more, n_samples 20 or more, the "
            "others 0 or more"
        )
    rows = n_samples + TEST_ROWS
    x = rng(seed, "unequal", "inputs").standard_normal((rows, 2 + inputs + distractors))
    spans = (range(2), range(2, 2 + inputs))
    radii = [(x[:, span.start : span.stop] ** 2).sum(1) for span in spans]
    y = np.stack([(radius < np.median(radius)).astype(np.int64) for radius in radii], 1)
    y[:n_samples, 1] ^= rng(seed, "unequal", "noise").random(n_samples) < noise
    data = _split(x, y, n_samples)
    tasks = (
        Task("first", spans[0], range(1)),
        Task("second", spans[1], range(1, 2), "auto", weight),
    )
    return Dataset(
        data.x_train,
        data.y_train,
        data.x_test,
        data.y_test,
        tasks,
        x_validation=data.x_validation,
        y_validation=data.y_validation,
    )

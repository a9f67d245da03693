"""The CPU engine behind ``population.train``: one member at a time, at a cost per unpruned weight.

Semantics are those of ``_dense``; sums run in another order, so the two agree to rounding.  A
member's whole training runs in compiled calls that release the GIL: callers train several members
at once with one thread each, and no result depends on how many there are.

Layout.  The *units* of all layers, inputs first, are numbered through; activations and their
gradients are ``[units, LANES]`` with the batch contiguous, so a weight is one multiply-add over
LANES examples.  A batch fills blocks of LANES; the lanes it leaves empty have zero gradient.
A layer's weights are stored in one of two ways:

    edges   only the unpruned ones, sorted by destination (*row*), and an index by source beside it
    tiles   a padded matrix ``[O, stride]``, for layers dense enough that its slots cost less

A bias is the weight from a constant unit, one, that follows each layer's others.

Parameters that no gradient reaches, those of units without a path to an output, are left out; that
changes nothing, since Adam never moves them (weight decay does: see ``decay_without_gradient``).  Units that no
input reaches stay: their bias trains.

Where the time goes.  Per edge and block: forward and backward are LANES multiply-adds each on
rows that sit in a near cache, and so is the weight's gradient, plus the sum over its lanes; Adam
follows a *panel* at a time, while the panel's gradients are in the nearest cache.  LLVM does not
keep sums over a loop's lanes in registers by itself, so three loops are written as vector code.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import TrainSpec, rng
from lth_utils.data import Dataset
from lth_utils.training.engine import Cancelled, Engine
from lth_utils.training.sparse.adam import decay_without_gradient
from lth_utils.training.sparse.layout import prepare
from lth_utils.training.sparse.loops import train_epochs

CHUNK = 0.3  # seconds in compiled code, about, before Python may handle an interrupt


def _member(
    flat: np.ndarray,
    mask: np.ndarray,
    shape,
    seed: int,
    data: Dataset,
    spec: TrainSpec,
    cancel: Event,
) -> tuple[np.ndarray, np.ndarray]:
    fixed, work, net, home = prepare(flat, mask, shape, data, spec)
    stream, state, curves, epochs, stopped, chunk = (
        rng(seed, "batches"),
        np.array([0, 0, np.inf]),
        [],
        0,
        False,
        1,
    )
    while not stopped and epochs < spec.max_epochs:
        if cancel.is_set():
            raise Cancelled
        chunk = min(chunk, spec.max_epochs - epochs)
        orders, curve = (
            np.stack([stream.permutation(len(data.x_train)) for _ in range(chunk)]),
            np.empty((chunk, 3)),
        )
        begun = time.perf_counter()
        done, stopped = train_epochs(*fixed, orders, *work, state, curve)
        curves.append(curve[:done])
        epochs += done
        chunk = max(1, min(2 * chunk, int(chunk * CHUNK / (time.perf_counter() - begun))))
    trained, dead = flat.copy(), flat != 0
    if spec.weight_decay:
        dead[home[net.keep]] = False
        trained[dead] = decay_without_gradient(
            trained[dead], np.float32(spec.weight_decay), spec.lr, int(state[0])
        )
    trained[home[net.keep]] = net.weight[net.keep]
    return trained, np.concatenate(curves)


def train(
    flat: Tensor,
    mask: Tensor,
    shape,
    seeds,
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
) -> tuple[Tensor, list[np.ndarray]]:
    """Train members ``[M, P]`` on the CPU, as many at once as torch may use threads; see ``_dense.train``."""
    cancel = cancel or Event()
    jobs = list(zip(flat.numpy(), mask.numpy(), seeds, strict=True))
    if len(jobs) == 1:
        results = [_member(*jobs[0][:2], shape, jobs[0][2], data, spec, cancel)]
    else:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            try:
                results = list(
                    pool.map(lambda job: _member(*job[:2], shape, job[2], data, spec, cancel), jobs)
                )
            except BaseException:
                cancel.set()
                raise
    return torch.from_numpy(np.stack([r[0] for r in results])), [r[1] for r in results]


# members share no work, so each run gets a thread
ENGINE = Engine("sparse", train, max_concurrent_runs=os.cpu_count() or 1)

"""The checks: what a device computes is what the CPU computes."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from lth_utils import connectivity, imp, pruning
from lth_utils.config import PruneSpec, TrainSpec, shape_text
from lth_utils.data import Dataset
from lth_utils.networks import population
from lth_utils.networks.layers import network, split_mask
from lth_utils.networks.population import Population
from lth_utils.pruning import BY_AUTOGRAD, CRITERIA
from lth_utils.selftest import cases
from lth_utils.selftest.running import Check, CheckFailed
from lth_utils.training import batched, trainer
from lth_utils.training.engine import Cancelled
from lth_utils.training.outputs import OutputOrder

SHAPES = ((4, 8, 8, 2), (4, 60, 55, 2), (4, 229, 229, 2))
"""Networks for the points: one small stack, padded widths, and a large one."""

SHORT = TrainSpec(batch_size=48, max_epochs=5, record=True)
CONVERGING = TrainSpec(batch_size=48, max_epochs=100, patience=3, lr=0.02)

CURVES_AGREE = 1e-3
"""Largest relative difference of losses over the first epochs."""


def checks(device: torch.device) -> list[Check]:
    """All checks of one device but the sweeps, the quickest to fail first."""
    parts: list[tuple[str, Callable[[torch.device], list[str]], float]] = [
        ("connectivity is that of the CPU", _connectivity, 60),
        ("every criterion prunes as on the CPU", _criteria, 60),
        ("first epochs are those of the CPU", _first_epochs, 120),
        ("all kinds of tasks, weights and missing labels", _kinds, 60),
        ("a batched member equals the member alone, bit for bit", _alone, 120),
        ("a loss that is not finite ends its member alone", _not_finite, 60),
        ("a cancelled training ends", _cancelled, 60),
        ("levels of a population", _levels, 180),
        ("convolutions", _convolutions, 120),
    ]
    return [Check(title, functools.partial(run, device), limit) for title, run, limit in parts]


def require(holds: bool, message: str):
    """Refuse what should not be."""
    if not holds:
        raise CheckFailed(message)


def _reference(networks: Population, dataset: Dataset, spec: TrainSpec):
    """Records of the plain engine on the CPU, see ``TrainFunction``."""
    order = OutputOrder.of(networks.shape, dataset.tasks)
    _, records = batched.train(
        order.sorted_parameters(networks.parameters),
        order.sorted_mask(networks.mask),
        networks.shape,
        networks.seeds,
        dataset.watched,
        spec,
    )
    return records


def _difference(records, expected) -> float:
    """Largest relative difference of the losses on both splits; infinite for other lengths."""
    worst = 0.0
    for one, other in zip(records, expected, strict=True):
        if one.shape != other.shape:
            return float("inf")
        relative = np.abs(one - other)[:, [0, 2]] / np.abs(other[:, [0, 2]])
        worst = max(worst, float(relative.max()))
    return worst


def _compared(dataset: Dataset, shape, device: torch.device) -> str:
    """The difference of the first epochs from those of the CPU, as a line."""
    networks = cases.members(shape)
    expected = _reference(networks, dataset, SHORT)
    _, training = trainer.train(cases.moved(networks, device), dataset, SHORT)
    worst = _difference(training.records, expected)
    line = f"{shape_text(shape)}: losses differ by at most {worst:.1e} of their value"
    require(worst < CURVES_AGREE, f"{line}; allowed {CURVES_AGREE:g}")
    return line


def _first_epochs(device: torch.device) -> list[str]:
    return [_compared(cases.points(), shape, device) for shape in SHAPES]


def _kinds(device: torch.device) -> list[str]:
    return [_compared(cases.kinds(), (8, 20, 20, 6), device)]


def _alone(device: torch.device) -> list[str]:
    dataset = cases.points()
    lines = []
    for shape in SHAPES[:2]:
        networks = cases.moved(cases.members(shape, (1.0, 0.4, 0.2, 0.1, 0.05)), device)
        together, _ = trainer.train(networks, dataset, CONVERGING)
        apart = [networks.select([m]) for m in range(len(networks))]
        with ThreadPoolExecutor(len(apart)) as pool:
            in_threads = pool.map(lambda one: trainer.train(one, dataset, CONVERGING), apart)
            alone = torch.cat([trained.parameters for trained, _ in in_threads])
        one_by_one, _ = trainer.train(apart[2], dataset, CONVERGING)
        differing = (alone != together.parameters).any(1).cpu()
        differing[2] |= bool((one_by_one.parameters[0] != together.parameters[2]).any())
        line = f"{shape_text(shape)}: {int(differing.sum())} of {len(apart)} members differ"
        require(not differing.any(), line)
        lines.append(line)
    return lines


def _not_finite(device: torch.device) -> list[str]:
    networks = cases.moved(cases.members((4, 12, 12, 2), (1.0, 1.0, 1.0)), device)
    networks.parameters[1] = torch.nan
    _, training = trainer.train(networks, cases.points(), SHORT)
    require(training.epochs == [5, 1, 5], f"epochs are {training.epochs}; expected 5, 1 and 5")
    return []


def _cancelled(device: torch.device) -> list[str]:
    networks = cases.moved(cases.members((4, 40, 40, 2)), device)
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    endless = TrainSpec(max_epochs=10**6, patience=10**6)
    began = time.perf_counter()
    try:
        trainer.train(networks, cases.points(), endless, cancel)
    except Cancelled:
        seconds = time.perf_counter() - began
        return [f"{seconds - 1:.1f} s after the signal"]
    raise CheckFailed("the training ended by itself")


def _criteria(device: torch.device) -> list[str]:
    shape = (4, 57, 57, 2)
    networks = cases.members(shape, (0.5, 0.5, 0.5))
    n_weights = networks.mask.shape[1]
    mask = pruning.keep_largest(networks.initial[:, :n_weights].abs(), networks.mask, 1500)
    changed = torch.randn(mask.shape, generator=torch.Generator().manual_seed(2))
    trained = (networks.initial[:, :n_weights] + 0.1 * changed) * mask
    n_compared = 0
    for criterion in [name for name in CRITERIA if name not in BY_AUTOGRAD]:
        for scope in ("global", "layer", "erk"):
            for alive in (False, True):
                spec = PruneSpec(levels=0, criterion=criterion, scope=scope, alive=alive)
                found = []
                for where in (torch.device("cpu"), device):
                    kept = pruning.prune(
                        trained.to(where),
                        mask.to(where),
                        700,
                        shape=shape,
                        seeds=networks.seeds,
                        level=1,
                        initial=networks.initial[:, :n_weights].to(where),
                        spec=spec,
                    )
                    found.append(kept.cpu())
                require(torch.equal(*found), f"{criterion}, {scope}, alive {alive}: other weights")
                n_compared += 1
    return [f"{n_compared} combinations of criterion, scope and alive"]


def _connectivity(device: torch.device) -> list[str]:
    tasks = cases.points().tasks
    n_compared = 0
    for shape in ((4, 6, 6, 2), (4, 57, 57, 2), (4, 4, 4, 4, 2)):
        n_weights = sum(network(shape).sizes)
        mask = cases.random_mask((64, n_weights), [0.01 * (m % 32 + 1) for m in range(64)])
        expected = _all_measures(split_mask(mask, shape), tasks)
        found = _all_measures(split_mask(mask.to(device), shape), tasks)
        for name, value in expected.items():
            require(_equal(value, found[name]), f"{shape_text(shape)}: {name} differs")
        n_compared += len(mask)
    return [f"{n_compared} masks: states, components, coverage, status, decided, measure"]


def _all_measures(masks, tasks) -> dict:
    """Everything that is known of masks, on the CPU."""
    measures = connectivity.measure(masks, tasks)
    return {
        "weight_states": connectivity.weight_states(masks),
        "unit_states": connectivity.unit_states(masks),
        "components": connectivity.components(masks),
        "coverage": connectivity.coverage(masks, tasks),
        "status": connectivity.status(masks, tasks),
        "decided": [connectivity.decided(masks, tasks, end) for end in ("inputs", "outputs")],
        "measure": [(m.available, m.active, m.inactive, m.zombie, m.status) for m in measures],
        "measured coverage": [m.coverage for m in measures],
    }


def _equal(one, other) -> bool:
    """Whether lists of tensors, arrays or plain values are equal; NaN equals NaN."""
    if len(one) != len(other):
        return False
    for a, b in zip(one, other, strict=True):
        if isinstance(a, torch.Tensor):
            a, b = a.cpu().numpy(), b.cpu().numpy()
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                return False
        elif a != b:
            return False
    return True


def _levels(device: torch.device) -> list[str]:
    shape, dataset = (4, 20, 20, 2), cases.points()
    spec = TrainSpec(batch_size=48, max_epochs=15)
    keep = pruning.trajectory(520, 0.3, 3)
    found = []
    for where in (torch.device("cpu"), device):
        networks = population.init(shape, range(4), where)
        found.append(list(imp.run(networks, dataset, keep, spec, PruneSpec(rate=0.3, levels=3))))
    require(len(found[0]) == len(found[1]) == 4, "other numbers of levels")
    worst, shared = [], []
    for a, b in zip(*found, strict=True):
        worst.append(float(np.abs(a.training.loss - b.training.loss).max()))
        both = (a.population.mask & b.population.mask.cpu()).sum(1).min()
        shared.append(int(both) / keep[a.level])
    lines = [
        "largest difference of losses by level: " + ", ".join(f"{w:.1e}" for w in worst),
        "smallest share of the CPU's weights by level: " + ", ".join(f"{s:.3f}" for s in shared),
    ]
    require(worst[0] < 1e-3 and shared[1] > 0.97, "; ".join(lines))
    return lines


def _convolutions(device: torch.device) -> list[str]:
    dataset, shape = cases.pictures(), cases.PICTURES
    networks = cases.members(shape)
    line = _compared(dataset, shape, device)
    on_device = cases.moved(networks, device)
    together, _ = trainer.train(on_device, dataset, SHORT)
    again, _ = trainer.train(on_device, dataset, SHORT)
    alone, _ = trainer.train(on_device.select([2]), dataset, SHORT)
    require(torch.equal(together.parameters, again.parameters), "another result the second time")
    require(torch.equal(together.parameters[2], alone.parameters[0]), "another result alone")
    return [line, "a batched member equals the member alone, and a second run the first"]

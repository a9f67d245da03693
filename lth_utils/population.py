"""M masked networks as stacked arrays: init, train, evaluate, rewind.

A population is one shape, one row of parameters per seed and a mask.  Each member draws its
initial values and its batch order from its own seed's streams, so a run in company equals the run
alone.
"""
from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils import _conv, _dense
from lth_utils._dense import Cancelled as Cancelled
from lth_utils.config import Shape, SpecError, TrainSpec, choose, convolutions, rng, shape_text, weight_shapes
from lth_utils.connectivity import channel_tasks
from lth_utils.data import Dataset, Task
from lth_utils.pruning import n_weights


def device(name: str = "auto") -> torch.device:
    """The torch device for ``auto``, ``cpu``, ``cuda`` or ``mps``; :class:`SpecError` where it is not there.

    ``auto`` takes CUDA where there is one, else the CPU.
    """
    choose(name, ("auto", "cpu", "cuda", "mps"), "device")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there[name]:
        raise SpecError(f"device is {name}, and this machine has none that torch {torch.__version__} can use; "
                        f"here: auto, {', '.join(n for n, t in there.items() if t)}")
    return torch.device(name)


@dataclass(frozen=True)
class Population:
    """M networks of one shape.

    shape: a ``config.Shape``; seeds: M ints; parameters, initial: float32 ``[M, P]``, all
    weights layer by layer and then all biases; mask: bool ``[M, W]``.  Weights where the mask is
    False are exactly zero in `parameters`; `initial` keeps all values.
    """
    shape: Shape
    seeds: tuple[int, ...]
    parameters: Tensor
    initial: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def weights(self) -> list[Tensor]:
        """Views ``[M, O, I]`` of the weights, of a convolution's ``[M, O, I, k, k]``, one per layer."""
        return _dense.Layers.of(self.parameters, self.shape).weights

    @property
    def biases(self) -> list[Tensor]:
        """Views ``[M, O]`` of the biases, one per layer."""
        return _dense.Layers.of(self.parameters, self.shape).biases

    @property
    def masks(self) -> list[Tensor]:
        """Views of the mask, bool, shaped as the weights."""
        return split_mask(self.mask, self.shape)

    def select(self, members: Sequence[int]) -> Population:
        """The population of these members, in this order."""
        index = torch.as_tensor(list(members), dtype=torch.int64, device=self.mask.device)
        return Population(self.shape, tuple(self.seeds[i] for i in members),
                          self.parameters[index], self.initial[index], self.mask[index])


def split_mask(mask: Tensor, shape: Shape) -> list[Tensor]:
    """A flat mask ``[M, W]`` as a list over layers of ``[M, O, I]``, of a convolution's ``[M, O, I, k, k]``."""
    layers = weight_shapes(shape)
    sizes = list(map(math.prod, layers))
    if mask.shape[1] != sum(sizes):
        raise SpecError(f"a mask of {mask.shape[1]} weights does not fit network {shape_text(shape)}, which has {sum(sizes)}")
    return [m.view(len(mask), *layer) for m, layer in zip(mask.split(sizes, 1), layers, strict=True)]


def initial_values(shape: Shape, seed: int, scheme: str = "kaiming_normal", stream: str = "init") -> np.ndarray:
    """One member's initial parameters, float32 ``[P]``.

    scheme: ``kaiming_normal`` weights (fan-in, gain of ReLU) and zero biases, or ``torch``: all uniform within
    one over the root of the fan-in, as torch's layers draw them; stream: the random stream's name.
    """
    draws, layers = rng(seed, stream), weight_shapes(shape)
    fans = [math.prod(layer[1:]) for layer in layers]
    if choose(scheme, ("kaiming_normal", "torch"), "init") == "torch":
        counts = [*zip(fans, map(math.prod, layers), strict=True), *zip(fans, (layer[0] for layer in layers), strict=True)]
        return np.concatenate([(2 * draws.random(n, dtype=np.float32) - 1) / np.float32(np.sqrt(fan)) for fan, n in counts])
    weights = [draws.standard_normal(math.prod(layer), dtype=np.float32) * np.float32(np.sqrt(2 / fan))
               for layer, fan in zip(layers, fans, strict=True)]
    return np.concatenate([*weights, np.zeros(sum(layer[0] for layer in layers), dtype=np.float32)])


def init(shape: Shape, seeds: Sequence[int], device: torch.device | str = "cpu", scheme: str = "kaiming_normal") -> Population:
    """A dense population, one member per seed; scheme: see :func:`initial_values`."""
    if len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds {list(seeds)} repeat; two members of one seed would be the same network")
    values = torch.from_numpy(np.stack([initial_values(shape, seed, scheme) for seed in seeds])).to(device)
    mask = torch.ones(len(seeds), n_weights(shape), dtype=torch.bool, device=device)
    return Population(tuple(shape), tuple(seeds), values.clone(), values, mask)


def rewind(population: Population, mask: Tensor, biases: Tensor | None = None) -> Population:
    """The same members with a new mask and their initial weights and biases; or these `biases`, ``[M, P - W]``, and from now on."""
    initial = population.initial if biases is None else torch.cat([population.initial[:, : mask.shape[1]], biases], 1)
    parameters = initial.clone()
    parameters[:, : mask.shape[1]] *= mask
    return replace(population, parameters=parameters, initial=initial, mask=mask)


@dataclass(frozen=True)
class Training:
    """What training did: records, per member ``[epochs, 3]`` (see ``_dense.train``); loss, accuracy: ``[M, K]`` on the test half."""
    records: list[np.ndarray]
    loss: np.ndarray
    accuracy: np.ndarray

    @property
    def curves(self) -> list[list[float]]:
        """Per member the loss on the test half after each epoch."""
        return [record[:, 0].tolist() for record in self.records]

    @property
    def epochs(self) -> list[int]:
        return [len(r) for r in self.records]


def check_fit(shape: Shape, data: Dataset):
    """Raise :class:`SpecError` unless the ends of a network of this shape are those of the data's tasks.

    Of an image every channel belongs to a task, so that masks alone say which (``connectivity.channel_tasks``).
    """
    front, ends = convolutions(shape), (shape[0], shape[-1])
    if front:
        channels, side = shape[0]
        ends = channels * side**2, shape[-1]
    if ends != data.ends:
        raise SpecError(f"network {shape_text(shape)} does not fit the data: "
                        f"its tasks have {data.ends[0]} inputs and {data.ends[1]} outputs")
    if front and sum(len(t.inputs) for t in channel_tasks(data.tasks, channels, side)) != channels:
        raise SpecError(f"network {shape_text(shape)} does not fit the data: some of its channels belong to no task")


@functools.cache
def engine(device_type: str, convolutional: bool = False) -> ModuleType:
    """What trains on a device: ``_sparse`` on the CPU (``_dense`` where numba is missing or fails), ``_seats`` on CUDA, else ``_dense``.

    Convolutional networks: ``_conv`` on the CPU, else ``_dense``.
    """
    if convolutional:
        return _conv if device_type == "cpu" else _dense
    if device_type == "cuda":
        from lth_utils import _seats
        return _seats
    if device_type == "cpu":
        try:
            from lth_utils import _sparse
            return _sparse
        except Exception as error:      # a missing or broken compiler takes many forms
            warnings.warn(f"numba cannot be used ({type(error).__name__}: {error}); training goes on with torch, many times slower",
                          RuntimeWarning, stacklevel=3)
    return _dense


def train(population: Population, data: Dataset, spec: TrainSpec, cancel: Event | None = None) -> tuple[Population, Training]:
    """Train every member to convergence with Adam (thesis, section on the experimental setup).

    Each member stops by itself: a counter grows on each epoch whose loss on the test half is above
    the best so far, a new best zeroes it, and at `patience` the member stops with its last weights.
    Masked weights stay exactly zero.  A member whose loss is not finite stops too: see its curve.
    Setting `cancel` from another thread ends the training by ``Cancelled``.
    """
    check_fit(population.shape, data)
    values, records = engine(population.parameters.device.type, convolutions(population.shape) > 0).train(
        population.parameters, population.mask, population.shape, population.seeds, data, spec, cancel)
    trained = replace(population, parameters=values)
    return trained, Training(records, *evaluate(trained, data, "test"))


def evaluate(population: Population, data: Dataset, part: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy per member and task, float ``[M, K]`` each; part: ``train`` or ``test``."""
    check_fit(population.shape, data)
    choose(part, ("train", "test"), "part")
    where = population.parameters.device
    x, y = (torch.from_numpy(getattr(data, f"{side}_{part}")).to(where) for side in "xy")
    objective = _dense.Objective(data.tasks, "mean")
    loss, accuracy = _dense.evaluate(population.parameters, population.shape, x, y, objective)
    return loss.cpu().numpy(), accuracy.cpu().numpy()


@dataclass(frozen=True)
class Ticket:
    """One network at one pruning level: its mask, and its values before and after training.

    shape: a ``config.Shape``; masks: bool ``[1, O, I]`` per layer, of a convolution ``[1, O, I, k, k]``; initial,
    trained: float32 ``[P]``, pruned weights zero, or None where trained values were not kept; tasks; seed; level.
    """
    shape: Shape
    masks: list[Tensor]
    initial: np.ndarray
    trained: np.ndarray | None
    tasks: tuple[Task, ...]
    seed: int
    level: int

    def values(self, which: str = "trained") -> np.ndarray:
        """The parameters ``[P]``, ``trained`` or ``initial``."""
        choose(which, ("trained", "initial"), "which")
        if which == "trained" and self.trained is None:
            raise SpecError(f"trained values of level {self.level} were not kept (too large); retrain from which='initial'")
        return self.trained if which == "trained" else self.initial

    @property
    def weights(self) -> list[Tensor]:
        """Weights per layer, shaped as the masks: trained where kept, else initial."""
        values = self.initial if self.trained is None else self.trained
        return _dense.Layers.of(torch.from_numpy(values)[None], self.shape).weights

    def cut(self, k: int) -> Ticket:
        """What task `k` alone needs, cut out: the weights on any path to its outputs, zombies included; the others are zero."""
        leads = torch.zeros(1, self.shape[-1], dtype=torch.bool)
        leads[:, self.tasks[k].outputs] = True
        masks: list[Tensor] = []
        for mask in reversed(self.masks):
            leads = leads.reshape(1, mask.shape[1], -1).any(-1)      # before the flattening a channel leads where one of its features does
            masks.insert(0, mask & leads.view(1, -1, *[1] * (mask.ndim - 2)))
            leads = masks[0].any((1, *range(3, mask.ndim)))
        weights = np.concatenate([m.flatten().numpy() for m in masks])
        kept = np.concatenate([weights, np.ones(len(self.initial) - len(weights), dtype=bool)])
        trained = None if self.trained is None else np.where(kept, self.trained, np.float32(0))
        return replace(self, masks=masks, initial=np.where(kept, self.initial, np.float32(0)), trained=trained)

    def model(self, which: str = "trained") -> nn.Sequential:
        """A plain ``torch.nn.Sequential``, pruned weights at zero, ready for prediction: inputs ``[B, I]`` to logits ``[B, O]``."""
        layers = _dense.Layers.of(torch.from_numpy(self.values(which)).clone()[None], self.shape)
        modules: list[nn.Module] = []
        if front := layers.front:
            channels, side = self.shape[0]
            modules.append(nn.Unflatten(1, (channels, side, side)))
        for n, (w, b) in enumerate(zip(layers.weights, layers.biases, strict=True)):
            kind = nn.Conv2d if n < front else nn.Linear
            layer = kind(w.shape[2], w.shape[1], *w.shape[3:4])
            layer.weight.data, layer.bias.data = w[0].clone(), b[0].clone()
            modules += [layer, nn.ReLU()]
            if n < front and (pool := self.shape[n + 1][2]) > 1:
                modules.append(nn.MaxPool2d(pool))
            if n == front - 1:
                modules.append(nn.Flatten())
        return nn.Sequential(*modules[:-1])

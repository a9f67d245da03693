"""The one door to all training engines."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, replace
from threading import Event
from types import ModuleType

import numpy as np
import torch

from lth_utils.config import Shape, SpecError, TrainSpec, choose, convolutions, shape_text
from lth_utils.connectivity import channel_tasks
from lth_utils.data import Dataset
from lth_utils.networks.population import Population
from lth_utils.training import batched, convolutional
from lth_utils.training.objective import Objective


def device(name: str = "auto") -> torch.device:
    """The torch device for ``auto``, ``cpu``, ``cuda`` or ``mps``; :class:`SpecError` where it is not there.

    ``auto`` takes CUDA where there is one, else the CPU.
    """
    choose(name, ("auto", "cpu", "cuda", "mps"), "device")
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there[name]:
        raise SpecError(
            f"device is {name}, and this machine has none that torch {torch.__version__} can use; "
            f"here: auto, {', '.join(n for n, t in there.items() if t)}"
        )
    return torch.device(name)


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
        raise SpecError(
            f"network {shape_text(shape)} does not fit the data: "
            f"its tasks have {data.ends[0]} inputs and {data.ends[1]} outputs"
        )
    if front and sum(len(t.inputs) for t in channel_tasks(data.tasks, channels, side)) != channels:
        raise SpecError(
            f"network {shape_text(shape)} does not fit the data: some of its channels belong to no task"
        )


@functools.cache
def engine(device_type: str, of_images: bool = False) -> ModuleType:
    """What trains on a device: ``_sparse`` on the CPU (``_dense`` where numba is missing or fails), ``_seats`` on CUDA, else ``_dense``.

    Convolutional networks: ``_conv`` on the CPU, else ``_dense``.
    """
    if of_images:
        return convolutional if device_type == "cpu" else batched
    if device_type == "cuda":
        from lth_utils.training import cuda

        return cuda
    if device_type == "cpu":
        try:
            from lth_utils.training.sparse import members

            return members
        except Exception as error:  # a missing or broken compiler takes many forms
            warnings.warn(
                f"numba cannot be used ({type(error).__name__}: {error}); training goes on with torch, many times slower",
                RuntimeWarning,
                stacklevel=3,
            )
    return batched


def train(
    population: Population, data: Dataset, spec: TrainSpec, cancel: Event | None = None
) -> tuple[Population, Training]:
    """Train every member to convergence with Adam (thesis, section on the experimental setup).

    Each member stops by itself: a counter grows on each epoch whose loss on the test half is above
    the best so far, a new best zeroes it, and at `patience` the member stops with its last weights.
    Masked weights stay exactly zero.  A member whose loss is not finite stops too: see its curve.
    Setting `cancel` from another thread ends the training by ``Cancelled``.
    """
    check_fit(population.shape, data)
    values, records = engine(
        population.parameters.device.type, convolutions(population.shape) > 0
    ).train(
        population.parameters,
        population.mask,
        population.shape,
        population.seeds,
        data,
        spec,
        cancel,
    )
    trained = replace(population, parameters=values)
    return trained, Training(records, *evaluate(trained, data, "test"))


def evaluate(
    population: Population, data: Dataset, part: str = "test"
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy per member and task, float ``[M, K]`` each; part: ``train`` or ``test``."""
    check_fit(population.shape, data)
    choose(part, ("train", "test"), "part")
    where = population.parameters.device
    x, y = (torch.from_numpy(getattr(data, f"{side}_{part}")).to(where) for side in "xy")
    objective = Objective(data.tasks, "mean")
    loss, accuracy = batched.evaluate(population.parameters, population.shape, x, y, objective)
    return loss.cpu().numpy(), accuracy.cpu().numpy()

"""The one door to all training engines."""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import torch

from lth_utils.config import Shape, SpecError, TrainSpec, choose, expect, shape_text
from lth_utils.connectivity import channel_tasks
from lth_utils.data import Dataset
from lth_utils.networks.layers import network
from lth_utils.networks.population import Population
from lth_utils.training import batched, convolutional
from lth_utils.training.compact import compact
from lth_utils.training.engine import Engine
from lth_utils.training.objective import Objective
from lth_utils.training.on_device import on_device
from lth_utils.training.outputs import OutputOrder


def device(name: str = "auto") -> torch.device:
    """The torch device of this name.

    Args:
        name: ``auto``, ``cpu``, ``cuda`` or ``mps``. ``auto`` is CUDA where there is one, else the
            CPU.

    Raises:
        SpecError: The name is unknown, or this machine has no such device.
    """
    choose(name, ("auto", "cpu", "cuda", "mps"), "device")
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[name]:
        usable = [device for device, is_there in available.items() if is_there]
        raise SpecError(
            f"device is {name}, and this machine has none that torch {torch.__version__} can use; "
            f"here: auto, {', '.join(usable)}"
        )
    return torch.device(name)


@functools.cache
def choose_engine(device_type: str, has_convolutions: bool = False) -> Engine:
    """The engine that trains on a device.

    A missing or broken numba is warned about once; the batched engine then trains on the CPU.

    Args:
        device_type: ``cpu``, ``cuda`` or ``mps``.
        has_convolutions: whether the networks have convolution layers.
    """
    if has_convolutions:
        return convolutional.ENGINE
    if device_type == "cuda":
        from lth_utils.training import cuda

        return cuda.ENGINE
    if device_type == "cpu":
        try:
            from lth_utils.training.sparse import members

            return members.ENGINE
        except Exception as error:  # a missing or broken compiler takes many forms
            warnings.warn(
                f"numba cannot be used ({type(error).__name__}: {error}); "
                "training goes on with torch, many times slower",
                RuntimeWarning,
                stacklevel=3,
            )
    return batched.ENGINE


def check_fit(shape: Shape, data: Dataset):
    """Check that a network's inputs and outputs are those of the data's tasks.

    Args:
        shape: the network's shape.
        data: the data set. Each channel of an image must belong to a task, so that the masks alone
            say which inputs a task has (see ``connectivity.channel_tasks``).

    Raises:
        SpecError: They do not fit.
    """
    expect(data, Dataset, "data")
    misfit = f"network {shape_text(shape)} does not fit the data"
    values = network(shape).values
    if (math.prod(values[0]), *values[-1]) != data.ends:
        raise SpecError(
            f"{misfit}: its tasks have {data.ends[0]} inputs and {data.ends[1]} outputs"
        )
    channels, *sides = values[0]
    if sides:
        owned = channel_tasks(data.tasks, channels, math.prod(sides))
        if sum(len(task.inputs) for task in owned) != channels:
            raise SpecError(f"{misfit}: some of its channels belong to no task")


@dataclass(frozen=True)
class Training:
    """What training did.

    Attributes:
        records: one per member, float64 ``[epochs, 3]``, see ``engine.TrainFunction``.
        loss: on the test split after training, float64 ``[M, K]``.
        score: on the test split after training, float64 ``[M, K]``: the accuracy, from 0 to 1, or
            R² of a regression, at most 1.
        validation: the same score on the validation split, or None where there is none.
        validation_loss: the same loss on the validation split, or None.
    """

    records: list[np.ndarray]
    loss: np.ndarray
    score: np.ndarray
    validation: np.ndarray | None = None
    validation_loss: np.ndarray | None = None

    @property
    def curves(self) -> list[list[float]]:
        """Per member the loss on the test split after each epoch."""
        return [record[:, 0].tolist() for record in self.records]

    @property
    def epochs(self) -> list[int]:
        """Number of epochs per member."""
        return [len(record) for record in self.records]


def train(
    population: Population, data: Dataset, spec: TrainSpec, cancel: Event | None = None
) -> tuple[Population, Training]:
    """Train every member with Adam until it stops by itself.

    A counter grows on each epoch whose loss on the validation split, or without one on the test
    split, is above the best so far, and a new best sets it to zero. At `patience` the member stops
    with its last weights. A member whose loss is not finite stops too, which its curve shows.
    Masked weights stay exactly zero.

    Args:
        population: the members at the values to start from; left unchanged.
        data: the examples.
        spec: learning rate, batch size, patience and the like.
        cancel: ends the training when it is set from another thread.

    Returns:
        The population with trained parameters, and what training did.

    Raises:
        SpecError: Networks and data do not fit.
        Cancelled: `cancel` was set.

    Source:
        Thesis, section on the experimental setup.
    """
    expect(spec, TrainSpec, "spec")
    shape = expect(population, Population, "population").shape
    check_fit(shape, data)
    engine = choose_engine(population.parameters.device.type, network(shape).front > 0)
    order = OutputOrder.of(shape, data.tasks)
    values, records = engine.train(
        order.sorted_parameters(population.parameters),
        order.sorted_mask(population.mask),
        shape,
        population.seeds,
        data=data.watched,
        spec=spec,
        cancel=cancel,
    )
    trained = replace(population, parameters=order.restored_parameters(values))
    loss, score = evaluate(trained, data, "test")
    watched_loss, watched = None, None
    if data.x_validation is not None:
        watched_loss, watched = evaluate(trained, data, "validation")
    return trained, Training(records, loss, score, watched, watched_loss)


def evaluate(
    population: Population, data: Dataset, split: str = "test"
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and score of each member on each task.

    Args:
        population: the members.
        data: the examples.
        split: ``train``, ``test`` or, where there is one, ``validation``.

    Returns:
        Loss and score, float64 ``[M, K]`` each; the score is the accuracy, or R² of a regression.

    Raises:
        SpecError: Networks and data do not fit, or the split is unknown.
    """
    check_fit(expect(population, Population, "population").shape, data)
    choose(split, data.splits, "split")
    where = population.parameters.device
    order = OutputOrder.of(population.shape, data.tasks)
    x = on_device(getattr(data, f"x_{split}"), where)
    y = on_device(getattr(data, f"y_{split}"), where)
    objective = Objective(order.tasks, "mean")
    parameters, shape = order.sorted_parameters(population.parameters), population.shape
    if len(x) > batched.LARGE and not network(shape).front:
        networks = _without_dead_units(parameters, order.sorted_mask(population.mask), shape)
    else:
        networks = [(parameters, shape)]
    with convolutional.exact_convolutions(where):
        parts = [torch.stack(batched.evaluate(*net, x, y, objective)) for net in networks]
    loss, score = torch.cat(parts, 1).cpu().numpy()
    return loss, score


def _without_dead_units(
    parameters: torch.Tensor, mask: torch.Tensor, shape: Shape
) -> list[tuple[torch.Tensor, Shape]]:
    """Each member as a smaller network with the same outputs, parameters ``[1, P]`` and shape.

    Units that lead to no output are most of a wide network that was pruned.
    """
    networks: list[tuple[torch.Tensor, Shape]] = []
    for values, kept in zip(parameters, mask.cpu().numpy(), strict=True):
        small, index = compact(kept, tuple(width for width in shape if isinstance(width, int)))
        places = torch.from_numpy(index).to(values.device)
        used = torch.where(places >= 0, values[places.clamp(min=0)], 0.0)
        networks.append((used[None], small))
    return networks

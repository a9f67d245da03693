"""One network at one pruning level."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils.config import Shape, SpecError, choose, coerce, shape_text
from lth_utils.connectivity import masks_of_outputs
from lth_utils.connectivity.masks import check_masks
from lth_utils.data import Task, check_tasks
from lth_utils.data.tasks import as_tasks, index
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import network
from lth_utils.networks.masked import keep_pruned


@dataclass(frozen=True)
class Ticket:
    """One network at one pruning level: its mask, and its values before and after training.

    A ticket can be made by hand, from whatever pruned a network. Its parts are checked, and brought
    to the types below where nothing is lost.

    Args:
        shape: a ``config.Shape``.
        masks: bool ``[1, O, I]`` per layer, of a convolution ``[1, O, I, k, k]``.
        initial: float32 ``[P]`` before training, all weights layer by layer and then all biases;
            pruned weights are zero, NaN is a value that was not kept.
        trained: finite float32 ``[P]`` after training, or None where these values were not kept.
        tasks: K of them.
        seed: the run's, 0 or more.
        level: how often the network was pruned, 0 or more.

    Raises:
        SpecError: masks, values or tasks that do not fit the shape, or values of pruned weights
            that are not zero.
    """

    shape: Shape
    masks: list[Tensor]
    initial: np.ndarray
    trained: np.ndarray | None
    tasks: tuple[Task, ...]
    seed: int
    level: int

    def __post_init__(self):
        shape = coerce(self.shape, Shape, "the ticket's shape")
        net = network(shape)
        masks = check_masks(self.masks)
        found = [tuple(mask.shape) for mask in masks]
        expected = [(1, *size) for size in net.weight_shapes]
        if found != expected:
            raise SpecError(
                f"masks have shapes {found}; a ticket of network {shape_text(shape)} has {expected}"
            )
        tasks = as_tasks(self.tasks)
        check_tasks(tasks, math.prod(net.values[0]), math.prod(net.values[-1]))
        checked = {"shape": shape, "masks": masks, "tasks": tasks}
        flat = torch.cat([mask.flatten() for mask in masks]).numpy(force=True)
        n_values = len(flat) + sum(layer.n_biases for layer in net.layers)
        for name in ("initial", "trained"):
            values = getattr(self, name)
            if values is not None or name == "initial":
                checked[name] = _checked_values(values, name, flat, n_values)
        for name in ("seed", "level"):
            checked[name] = coerce(getattr(self, name), int, f"the ticket's {name}")
            if checked[name] < 0:
                raise SpecError(f"the ticket's {name} is {checked[name]}; allowed: 0 or more")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def values(self, which: str = "trained") -> np.ndarray:
        """The parameters ``[P]``, ``trained`` or ``initial``.

        Raises:
            SpecError: another word, or these values were not kept.
        """
        choose(which, ("trained", "initial"), "which")
        if which == "initial":
            if np.isnan(self.initial).any():
                raise SpecError(f"initial values of level {self.level} were not kept (too large)")
            return self.initial
        if self.trained is None:
            raise SpecError(
                f"trained values of level {self.level} were not kept (too large); "
                "lth.retrained(run, level) trains it again from which='initial'"
            )
        return self.trained

    @property
    def weights(self) -> list[Tensor]:
        """Weights per layer, shaped as the masks: trained where kept, else initial."""
        values = self.initial if self.trained is None else self.trained
        return Layers.of(torch.from_numpy(values)[None], self.shape).weights

    def task(self, task: int | str) -> int:
        """The position of a task, given by its position or its name.

        Raises:
            SpecError: there is no such task.
        """
        names = [own.name for own in self.tasks]
        if isinstance(task, str):
            return names.index(choose(task, names, "task"))
        k = coerce(task, int, "task")
        if not 0 <= k < len(names):
            raise SpecError(f"task is {k}; this ticket has 0 to {len(names) - 1}: {names}")
        return k

    def cut(self, task: int | str) -> Ticket:
        """The part of the ticket that a task needs.

        Args:
            task: its name, or its position in `tasks`.

        Returns:
            The weights on any path to the task's outputs, zombies included; the others are zero.
            ``lth.compact(ticket.cut(task))`` is the same as a small model.

        Raises:
            SpecError: there is no such task.
        """
        k = self.task(task)
        masks = masks_of_outputs(self.masks, index(self.tasks[k].outputs))
        kept = np.ones(len(self.initial), dtype=bool)
        weights = np.concatenate([mask.flatten().numpy() for mask in masks])
        kept[: len(weights)] = weights
        initial = np.where(kept, self.initial, np.float32(0))
        trained = None if self.trained is None else np.where(kept, self.trained, np.float32(0))
        return replace(self, masks=masks, initial=initial, trained=trained)

    def module(self, masked: bool = False, which: str = "trained") -> nn.Sequential:
        """The network in torch's own modules.

        Args:
            masked: pruned weights stay zero whatever trains the model; else they are zero now.
            which: ``trained`` or ``initial`` values.

        Returns:
            A model from inputs ``[B, I]`` to logits ``[B, O]``.

        Raises:
            SpecError: as :meth:`values`.
        """
        net = network(self.shape)
        views = Layers.of(torch.from_numpy(self.values(which))[None], self.shape)
        modules: list[nn.Module] = []
        if len(net.values[0]) > 1:
            modules.append(nn.Unflatten(1, net.values[0]))
        for n, layer in enumerate(net.layers):
            own = layer.modules(net.values[n], views.weights[n][0], views.biases[n][0])
            if masked:
                own = [
                    keep_pruned(module, self.masks[n][0]) if hasattr(module, "weight") else module
                    for module in own
                ]
            modules += own
        return nn.Sequential(*modules[:-1])  # no ReLU after the logits

    def model(self, which: str = "trained") -> nn.Sequential:
        """The network ready for prediction: :meth:`module` with pruned weights at zero."""
        return self.module(which=which)


def _checked_values(values, name: str, mask: np.ndarray, n_values: int) -> np.ndarray:
    """A ticket's parameters as float32 ``[P]``, zero where the flat mask is False."""
    if hasattr(values, "detach"):  # a torch tensor, on any device
        values = values.detach().cpu()
    try:
        given = np.asarray(values)
        checked = np.ascontiguousarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise SpecError(f"the ticket's {name} values are no numbers: {error}") from None
    if given.dtype.kind not in "fiu" or given.shape != (n_values,):
        n_biases = n_values - len(mask)
        raise SpecError(
            f"the ticket's {name} values are {given.dtype} {given.shape}; expected float32 "
            f"({n_values},): {len(mask)} weights, layer by layer, then {n_biases} biases"
        )
    usable = np.isfinite(checked) if name == "trained" else ~np.isinf(checked)
    if not usable.all():
        position = int(np.argmin(usable))
        raise SpecError(f"the ticket's {name} value {position} is {checked[position]}, not finite")
    pruned = np.count_nonzero(checked[: len(mask)][~mask])
    if pruned:
        raise SpecError(
            f"the ticket's {name} values of {pruned} weights are not zero where the mask is False; "
            "multiply them by the mask first"
        )
    return checked

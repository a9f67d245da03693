"""One network at one pruning level."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils.config import Shape, SpecError, choose
from lth_utils.connectivity import masks_of_outputs
from lth_utils.data import Task
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import network


@dataclass(frozen=True)
class Ticket:
    """One network at one pruning level: its mask, and its values before and after training.

    Attributes:
        shape: a ``config.Shape``.
        masks: bool ``[1, O, I]`` per layer, of a convolution ``[1, O, I, k, k]``.
        initial: float32 ``[P]`` before training; pruned weights are zero.
        trained: float32 ``[P]`` after training, or None where these values were not kept.
        tasks: K of them.
        seed: the run's.
        level: how often the network was pruned.
    """

    shape: Shape
    masks: list[Tensor]
    initial: np.ndarray
    trained: np.ndarray | None
    tasks: tuple[Task, ...]
    seed: int
    level: int

    def values(self, which: str = "trained") -> np.ndarray:
        """The parameters ``[P]``, ``trained`` or ``initial``.

        Raises:
            SpecError: another word, or the trained values were not kept.
        """
        choose(which, ("trained", "initial"), "which")
        if which == "initial":
            return self.initial
        if self.trained is None:
            raise SpecError(
                f"trained values of level {self.level} were not kept (too large); "
                "retrain from which='initial'"
            )
        return self.trained

    @property
    def weights(self) -> list[Tensor]:
        """Weights per layer, shaped as the masks: trained where kept, else initial."""
        values = self.initial if self.trained is None else self.trained
        return Layers.of(torch.from_numpy(values)[None], self.shape).weights

    def cut(self, k: int) -> Ticket:
        """The part of the ticket that task `k` needs.

        Args:
            k: position in `tasks`.

        Returns:
            The weights on any path to the task's outputs, zombies included; the others are zero.
        """
        masks = masks_of_outputs(self.masks, self.tasks[k].outputs)
        kept = np.ones(len(self.initial), dtype=bool)
        weights = np.concatenate([mask.flatten().numpy() for mask in masks])
        kept[: len(weights)] = weights
        initial = np.where(kept, self.initial, np.float32(0))
        trained = None if self.trained is None else np.where(kept, self.trained, np.float32(0))
        return replace(self, masks=masks, initial=initial, trained=trained)

    def model(self, which: str = "trained") -> nn.Sequential:
        """The network in torch's own modules, ready for prediction.

        Args:
            which: ``trained`` or ``initial`` values.

        Returns:
            A model from inputs ``[B, I]`` to logits ``[B, O]``; pruned weights are zero.

        Raises:
            SpecError: as :meth:`values`.
        """
        net = network(self.shape)
        views = Layers.of(torch.from_numpy(self.values(which))[None], self.shape)
        modules: list[nn.Module] = []
        if len(net.values[0]) > 1:
            modules.append(nn.Unflatten(1, net.values[0]))
        for n, layer in enumerate(net.layers):
            modules += layer.modules(net.values[n], views.weights[n][0], views.biases[n][0])
        return nn.Sequential(*modules[:-1])  # no ReLU after the logits

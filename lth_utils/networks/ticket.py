"""One network at one pruning level."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils.config import Shape, SpecError, choose
from lth_utils.data import Task
from lth_utils.networks.layers import Layers


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
            raise SpecError(
                f"trained values of level {self.level} were not kept (too large); retrain from which='initial'"
            )
        return self.trained if which == "trained" else self.initial

    @property
    def weights(self) -> list[Tensor]:
        """Weights per layer, shaped as the masks: trained where kept, else initial."""
        values = self.initial if self.trained is None else self.trained
        return Layers.of(torch.from_numpy(values)[None], self.shape).weights

    def cut(self, k: int) -> Ticket:
        """What task `k` alone needs, cut out: the weights on any path to its outputs, zombies included; the others are zero."""
        leads = torch.zeros(1, self.shape[-1], dtype=torch.bool)
        leads[:, self.tasks[k].outputs] = True
        masks: list[Tensor] = []
        for mask in reversed(self.masks):
            leads = leads.reshape(1, mask.shape[1], -1).any(
                -1
            )  # before the flattening a channel leads where one of its features does
            masks.insert(0, mask & leads.view(1, -1, *[1] * (mask.ndim - 2)))
            leads = masks[0].any((1, *range(3, mask.ndim)))
        weights = np.concatenate([m.flatten().numpy() for m in masks])
        kept = np.concatenate([weights, np.ones(len(self.initial) - len(weights), dtype=bool)])
        trained = None if self.trained is None else np.where(kept, self.trained, np.float32(0))
        return replace(
            self, masks=masks, initial=np.where(kept, self.initial, np.float32(0)), trained=trained
        )

    def model(self, which: str = "trained") -> nn.Sequential:
        """A plain ``torch.nn.Sequential``, pruned weights at zero, ready for prediction: inputs ``[B, I]`` to logits ``[B, O]``."""
        layers = Layers.of(torch.from_numpy(self.values(which)).clone()[None], self.shape)
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

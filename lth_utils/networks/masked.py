"""Weights that stay pruned, whatever trains them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class PrunedWeight(nn.Module):
    """A parametrization under which pruned weights are zero, and have no gradient.

    Args:
        mask: bool, of the weight's shape; False where the weight is pruned.
    """

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with zeros where it is pruned, whatever an optimiser left there."""
        return torch.where(self.mask, weight, 0.0)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What an assigned weight is stored as."""
        return torch.where(self.mask, weight, 0.0)


def keep_pruned(module: nn.Module, mask: Tensor) -> nn.Module:
    """Make the pruned weights of a layer stay zero.

    ``torch.nn.utils.parametrize.remove_parametrizations(module, "weight")`` makes it plain again.

    Args:
        module: has a ``weight``, and is changed in place.
        mask: bool, of the weight's shape.

    Returns:
        The same module.
    """
    parametrize.register_parametrization(module, "weight", PrunedWeight(mask.clone()))
    return module

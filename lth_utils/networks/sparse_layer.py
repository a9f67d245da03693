"""A linear layer that holds only the weights that are left."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils.config import SpecError


class SparseLinear(nn.Module):
    """A linear layer stored as one number and two places per weight.

    A small layer as a dense matrix is faster; one of which a few in a hundred weights are left
    is several times smaller this way, and faster for single examples.

    Args:
        in_features: I.
        out_features: O.
        n_weights: how many weights are left; their places and values are to be filled in.
        dtype: of values and biases.
        device: where they lie.

    Attributes:
        values: float ``[n_weights]``, row by row, trainable.
        rows: int32, the output of each.
        columns: int32, the input of each.
        bias: float ``[O]``, trainable.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self, in_features: int, out_features: int, n_weights: int, dtype=None, device=None
    ):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.values = nn.Parameter(torch.zeros(n_weights, dtype=dtype, device=device))
        self.bias = nn.Parameter(torch.zeros(out_features, dtype=dtype, device=device))
        for name in ("rows", "columns"):
            places = torch.zeros(n_weights, dtype=torch.int32, device=device)
            self.register_buffer(name, places)

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> SparseLinear:
        """The layer of a matrix ``[O, I]``, whose zeros are not kept, and a bias ``[O]``."""
        rows, columns = weight.nonzero(as_tuple=True)
        outputs, inputs = weight.shape
        made = cls(inputs, outputs, len(rows), dtype=weight.dtype, device=weight.device)
        made.values.data = weight.detach()[rows, columns].clone()
        made.bias.data = bias.detach().clone()
        made.rows, made.columns = rows.to(torch.int32), columns.to(torch.int32)
        return made

    def check(self):
        """Refuse places outside the layer, such as those of a damaged file.

        Raises:
            SpecError: there are some.
        """
        limits = {"rows": self.out_features, "columns": self.in_features}
        for name, limit in limits.items():
            places = getattr(self, name)
            if len(places) and not 0 <= int(places.min()) <= int(places.max()) < limit:
                raise SpecError(f"{name} of a sparse layer reach beyond 0 to {limit - 1}")

    def forward(self, x: Tensor) -> Tensor:
        """``[..., O]`` for ``[..., I]``."""
        # looked up directly: torch's own way takes as long as the sums of a small layer
        parameters: Any = self._parameters
        buffers: Any = self._buffers
        values, bias = parameters["values"], parameters["bias"]
        rows, columns = buffers["rows"], buffers["columns"]
        if x.ndim == 2 and len(x) == 1:  # half as long for a single example
            return bias.index_add(0, rows, x[0].index_select(0, columns).mul(values))[None]
        if x.ndim != 2:
            return self.forward(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], self.out_features)
        products = x.index_select(1, columns).mul(values)
        return bias.expand(len(x), -1).index_add(1, rows, products)

    def dense(self) -> nn.Linear:
        """The same layer with a dense matrix, zeros where no weight is left."""
        layer = nn.utils.skip_init(
            nn.Linear,
            self.in_features,
            self.out_features,
            device=self.values.device,
            dtype=self.values.dtype,
        )
        weight = torch.zeros_like(layer.weight)
        weight[self.rows.long(), self.columns.long()] = self.values.detach()
        layer.weight.data, layer.bias.data = weight, self.bias.detach().clone()
        return layer

    def extra_repr(self) -> str:
        """What ``print`` shows of it."""
        return f"{self.in_features}, {self.out_features}, weights={len(self.values)}"


class SparseChain(nn.Sequential):
    """Linear layers, sparse or dense, with ReLU between them: as ``nn.Sequential``, called faster.

    What a single example takes in torch are the calls, several for each layer. Under
    ``torch.inference_mode``, in float32 on the CPU, it goes through compiled loops instead; the
    first time they are compiled, once per machine.
    """

    def __init__(self, *layers: nn.Module):
        super().__init__(*layers)
        self._hooks = [
            h for layer in layers for h in (layer._forward_hooks, layer._forward_pre_hooks)
        ]
        # dicts that torch fills anew where values move: a lookup in them takes the least time
        self._held = [
            (held, name) for layer in layers for held in _tensors_of(layer) for name in held
        ]
        self._single = torch.Size([1, cast(Any, layers[0]).in_features])
        self._made: tuple[list[int], list[tuple]] = [], []

    def forward(self, x: Tensor) -> Tensor:
        """``[B, O]`` for ``[B, I]``."""
        alone = torch.is_inference_mode_enabled() and x.shape == self._single
        plain = type(x) is Tensor and x.is_cpu and x.dtype is torch.float32
        steps = self._steps() if alone and plain and not any(self._hooks) else []
        if not steps:
            return super().forward(x)
        vector = x.numpy()[0]
        for step, *arguments in steps:
            vector = step(vector, *arguments)
        return torch.from_numpy(vector[None])

    def _steps(self) -> list[tuple]:
        """For each layer its compiled function and what it takes; none on another device or type.

        The arrays are the layers' own memory. They are made anew where this is another one.
        """
        places = [held[name].data_ptr() for held, name in self._held]
        if self._made[0] != places:
            tensors = [held[name] for held, name in self._held]
            known = all(t.device.type == "cpu" and t.dtype in KNOWN for t in tensors)
            layers = [*self, None] if known else []
            steps = [_step(*pair) for pair in pairwise(layers) if type(pair[0]) is not nn.ReLU]
            self._made = places, steps
        return self._made[1]

    def __getstate__(self):
        return self.__dict__ | {"_made": ([], [])}  # a copy has memory of its own


KNOWN = (torch.float32, torch.int32)
"""What the compiled loops take."""


def _tensors_of(layer: nn.Module) -> list[dict]:
    """The parameters and the buffers of a layer, as torch holds them."""
    return [cast(dict, layer._parameters), cast(dict, layer._buffers)]


def _step(layer: Any, after: nn.Module | None) -> tuple:
    """A linear layer as a compiled function and what it takes beside its inputs."""
    from lth_utils.networks.single_example import all_weights, single_weights  # numba is slow

    low = np.float32(0 if type(after) is nn.ReLU else -np.inf)
    arrays = {name: t.detach().numpy() for held in _tensors_of(layer) for name, t in held.items()}
    if isinstance(layer, SparseLinear):
        names = ("bias", "values", "rows", "columns")
        return single_weights, low, *(arrays[name] for name in names)
    return all_weights, low, arrays["bias"], arrays["weight"]


def chained(model: nn.Module) -> nn.Module:
    """A sequence of linear layers as a :class:`SparseChain`; anything else as it is."""
    if type(model) is not nn.Sequential:
        return model
    known = all(type(layer) in (SparseLinear, nn.Linear, nn.ReLU) for layer in model)
    if not known or type(model[0]) is nn.ReLU:
        return model
    biased = all(layer.bias is not None for layer in model if type(layer) is nn.Linear)
    sparse = any(type(layer) is SparseLinear for layer in model)
    return SparseChain(*model) if biased and sparse else model

"""Sequences of torch layers as plain data, and made again from it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.config import SpecError, choose, coerce
from lth_utils.networks.sparse_layer import SparseChain, SparseLinear, chained

LARGEST = 2**31
"""The largest number that a described layer may have."""

SETTINGS: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv2d: ("in_channels", "out_channels", "kernel_size"),
    nn.Flatten: (),
    nn.Linear: ("in_features", "out_features"),
    nn.MaxPool2d: ("kernel_size",),
    nn.ReLU: (),
    SparseLinear: ("in_features", "out_features"),
    nn.Unflatten: ("dim", "unflattened_size"),
}
"""The layers of tickets, and what makes each of them again beside its values."""


def layers_to_plain(model: nn.Module) -> list[dict] | None:
    """What makes a model again beside its values, or None if it is not a sequence of such layers.

    Args:
        model: any.
    """
    if type(model) not in (nn.Sequential, SparseChain):
        return None
    plain = []
    for layer in model.children():
        names = SETTINGS.get(type(layer))
        if names is None:
            return None
        settings = _settings(layer, names)
        shapes = {name: tuple(values.shape) for name, values in layer.named_parameters()}
        if _fresh(type(layer), settings, shapes).extra_repr() != layer.extra_repr():
            return None  # it has other settings, too
        plain.append({"kind": type(layer).__name__, **settings})
    return plain


def _settings(layer: nn.Module, names) -> dict[str, Any]:
    """A layer's numbers by name."""
    found = {name: getattr(layer, name) for name in names}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}


def layers_from_plain(plain: list[dict], values: dict[str, Tensor]) -> nn.Module:
    """The model in eval mode.

    Args:
        plain: of :func:`layers_to_plain`, from a file of which nothing is trusted.
        values: its ``state_dict``.

    Raises:
        SpecError: layers that are not known, or values that do not fit them.
    """
    kinds = {kind.__name__: kind for kind in SETTINGS}
    layers = []
    for place, described in enumerate(plain):
        settings = dict(described)
        kind = kinds[choose(settings.pop("kind", None), kinds, f"kind of layer {place}")]
        if set(settings) != set(SETTINGS[kind]):
            raise SpecError(f"layer {place}, a {kind.__name__}, has {sorted(settings)}")
        for name, value in settings.items():
            for number in value if isinstance(value, list) else [value]:
                if not 0 < coerce(number, int, f"{name} of layer {place}") < LARGEST:
                    raise SpecError(f"{name} of layer {place} is {number}")
        shapes = {
            k.split(".")[1]: tuple(v.shape) for k, v in values.items() if k.startswith(f"{place}.")
        }
        layers.append(_fresh(kind, settings, shapes))
    model = nn.Sequential(*layers).to_empty(device="cpu")
    try:
        model.load_state_dict(values)
    except RuntimeError as error:
        raise SpecError(
            f"values do not fit the layers: {str(error).splitlines()[1].strip()}"
        ) from None
    for layer in layers:
        if isinstance(layer, SparseLinear):
            layer.check()
    return chained(model).eval()


def _fresh(kind: type[nn.Module], settings: dict, shapes: dict | None = None) -> nn.Module:
    """A layer without values, which takes no memory."""
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    if kind is SparseLinear:
        given["n_weights"] = (shapes or {}).get("values", (0,))[0]
    with torch.device("meta"):
        return kind(**given)

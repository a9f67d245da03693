"""Rules of operations that move elements, join them, or put them into others."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.utils._pytree as pytree
from torch import Tensor

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import (
    combined,
    dynamic,
    filled,
    flat_view,
    reduced,
    rule,
)
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import NONE, same
from lth_utils.connectivity.any_model.values import Value

MOVES = (
    *("view", "reshape", "_unsafe_view", "permute", "transpose", "t", "flatten", "unflatten"),
    *("squeeze", "unsqueeze", "expand", "expand_as", "slice", "select", "narrow", "chunk", "split"),
    *("split_with_sizes", "unbind", "movedim", "swapaxes", "flip", "roll", "repeat", "tile"),
    *("repeat_interleave", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "diagonal"),
    *("index_select", "index", "unfold", "view_as", "reshape_as", "tensor_split", "hsplit"),
    *("contiguous", "clone", "alias", "detach", "to", "_to_copy", "type_as", "lift_fresh_copy"),
    *("native_channel_shuffle", "numpy_T", "mT", "swapdims", "dsplit", "vsplit", "broadcast_to"),
    *("rot90", "gather", "tril", "triu", "im2col", "detach_copy", "lift_fresh", "ravel"),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "atleast_1d"),
    *("atleast_2d", "atleast_3d", "_reshape_alias", "narrow_copy", "slice_copy", "data"),
)


RESHAPES = ("view", "_unsafe_view", "reshape", "view_as", "reshape_as", "_reshape_alias", "flatten")


KEEP_TYPE = ("to", "_to_copy", "type_as", "contiguous", "clone", "alias", "detach", "data")


@rule(*MOVES)
def move(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements change their places."""
    moving = dynamic((args[0],))
    if len(dynamic((args, kwargs))) > len(moving):
        return picked(tape, step, args, kwargs)
    if step.packet in (*KEEP_TYPE, "lift_fresh_copy", "lift_fresh", "detach_copy"):
        return args[0]

    def go(tensors):
        if step.packet in RESHAPES:  # strides here need not be those of the model
            return tensors[0].reshape(step.shape)
        return step.target(*filled(args, tensors), **filled(kwargs, []))

    units = go_units(go, [value.units for value in moving])
    several = not isinstance(units, Tensor)
    found = tape.record(lambda xs, *_: go(xs), moving, units, step.path)
    return found if several else found[0]


def go_units(go: Callable, units: list[Tensor]):
    """Move units as values were moved; some operations take no whole numbers."""
    try:
        return go(units)
    except (RuntimeError, NotImplementedError):
        found = go([numbers.double() for numbers in units])
        return pytree.tree_map(lambda t: t.round().long(), found)


def picked(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements picked by positions that are computed: each may be any of them."""
    values = dynamic((args, kwargs))
    mixed = [reduced(tape, step, value, range(len(value.shape))) for value in values]
    mixed = [flat_view(tape, step, value, (1,) * len(step.one_shape)) for value in mixed]
    tape.mixing.setdefault("picking elements by computed positions", []).append(step.path)
    return combined(tape, step, mixed, step.one_shape)


@rule("slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter")
@rule("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack")
def joined(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Tensors side by side, or one put into another; constants are reached by nothing."""
    values = dynamic((args, kwargs))

    def go(xs, zero):
        return step.target(*filled(args, xs, zero), **filled(kwargs, [], zero))

    def whole(x):
        return torch.full_like(x, NONE, dtype=torch.int64)

    units = go([value.units for value in values], whole)
    units = _like_neighbours(units)
    (found,) = tape.record(lambda xs, *_: go(xs, _zeros), values, units, step.path)
    return found


def _zeros(x: Tensor) -> Tensor:
    """Zeros as what is reached is counted in."""
    return torch.zeros(x.shape)


def _like_neighbours(units: Tensor) -> Tensor:
    """Give constants the units of the others wherever these do not change along an axis."""
    for axis in range(units.ndim):
        if not (units < 0).any():
            return units
        largest = units.amax(axis, keepdim=True)
        if same(units, largest.expand(units.shape)):
            units = torch.where(units < 0, largest, units)
    return units


@rule("index_put", "_unsafe_index_put", "masked_scatter", "scatter", "index_copy", "index_fill")
def put(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements put at known places; at places that are computed, anywhere."""
    if dynamic((args[1], kwargs)) or step.packet not in ("index_put", "_unsafe_index_put"):
        return picked(tape, step, args, kwargs)
    target, places, new, *rest = args

    def go(xs, fill):
        left = iter(xs)
        parts = []
        for part in (target, new):
            parts.append(next(left) if isinstance(part, Value) else fill(part.value))
        return step.target(parts[0], filled(places, []), parts[1], *rest)

    values = dynamic((target, new))
    units = go([value.units for value in values], lambda x: torch.full(x.shape, NONE))
    (found,) = tape.record(lambda xs, *_: go(xs, _zeros), values, units, step.path)
    return found


@rule("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
def padded(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements get neighbours: constants, or themselves again."""
    value, size, *rest = args
    mode = rest[0] if rest and isinstance(rest[0], str) else kwargs.get("mode", "constant")
    if step.packet == "constant_pad_nd":
        mode = "constant"
    elif step.packet != "pad":
        mode = "reflect"

    def go(x):
        return torch.nn.functional.pad(x, list(size), mode)

    units = (go((value.units + 1).double()) - 1).round().long()
    (found,) = tape.record(lambda xs, *_: go(xs[0]), [value], units, step.path)
    return found


@rule("replication_pad1d", "replication_pad2d", "replication_pad3d", "_pad_circular")
def padded_again(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements repeated beyond the border."""

    def go(x):
        return step.target(x, *args[1:], **kwargs)

    units = go(args[0].units.double()).round().long()
    (found,) = tape.record(lambda xs, *_: go(xs[0]), [args[0]], units, step.path)
    return found

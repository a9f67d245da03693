"""Rules of operations on channels: pooling, resizing and normalising."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import combined, mix, rule
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import same
from lth_utils.connectivity.any_model.values import Const, Value


def of_channels(tape: Tape, numbers: Tensor, axes: int) -> Tensor:
    """The unit of each channel, ``[..., 1, 1]``: its positions, the last axes, become one unit."""
    numbers = tape.units.find(numbers)
    last = tuple(range(-axes, 0))
    largest = numbers.amax(last, keepdim=True)
    if not same(numbers, largest.expand(numbers.shape)):
        tape.units.join(numbers.flatten(-axes).reshape(-1, math.prod(numbers.shape[-axes:])).T)
        largest = tape.units.find(largest)
    return largest


def _pairs(value, axes: int) -> list[int]:
    """A number, or one for each axis, as one for each axis."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


@rule("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
@rule("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices")
def pooled(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Any position of a window."""
    axes = int(step.packet.split("pool")[1][0])
    names = ("x", "kernel_size", "stride", "padding", "dilation")
    given = dict(zip(names, args, strict=False)) | kwargs
    if step.packet.startswith("avg"):
        given["dilation"] = 1
    kernel = _pairs(given["kernel_size"], axes)
    stride = _pairs(given.get("stride") or kernel, axes)
    padding = _pairs(given.get("padding", 0), axes)
    dilation = _pairs(given.get("dilation", 1), axes)
    value = args[0]
    units = of_channels(tape, value.units, axes)
    sizes = list(value.shape[-axes:])
    if step.shape is None:  # with indices, torch's own: the same numbers in the same order
        ceil = len(args) > 5 and bool(args[5])
        every = zip(sizes, kernel, stride, padding, dilation, strict=True)
        out = [_windows(*numbers, ceil) for numbers in every]
    else:
        out = list(step.shape[-axes:])
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    # a window that begins inside may end beyond the border
    beyond = []
    for size, k, s, p, d, n in zip(sizes, kernel, stride, padding, dilation, out, strict=True):
        beyond.append([p, max(p, (n - 1) * s + d * (k - 1) + 1 - size - p)])
    margins = [margin for pair in reversed(beyond) for margin in pair]

    def go(xs, *_):
        x = F.pad(xs[0].reshape(-1, 1, *sizes), margins)
        x = convolve(x, torch.ones(1, 1, *kernel), stride=stride, dilation=dilation)
        x = x[(..., *(slice(n) for n in out))]
        return x.reshape(*value.shape[:-axes], *out)

    units = units.expand(*value.shape[:-axes], *out)
    (found,) = tape.record(go, [value], units, step.path)
    return [found, found] if step.shape is None else found


def _windows(size: int, k: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    """How many windows there are along an axis."""
    room = size + 2 * padding - dilation * (k - 1) - 1
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
@rule("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
@rule("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def pooled_to_a_size(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Any position of windows that cover the channel."""
    value, size = args[0], args[1] if len(args) > 1 else kwargs["output_size"]
    axes = int(step.packet[-2])
    pairs = zip(_pairs(size, axes), value.shape[-axes:], strict=True)
    size = [old if n is None else n for n, old in pairs]
    pool = getattr(F, f"adaptive_avg_pool{axes}d")
    units = of_channels(tape, value.units, axes).expand(*value.shape[:-axes], *size)
    (found,) = tape.record(lambda xs, *_: pool(xs[0], size), [value], units, step.path)
    return found if step.shape is not None else [found, found]


@rule("upsample_linear1d", "upsample_bilinear2d", "_upsample_bilinear2d_aa", "upsample_trilinear3d")
@rule("upsample_bicubic2d", "_upsample_bicubic2d_aa")
def resized(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Positions between those of a channel; cubic weights may cancel, so any of the channel."""
    shape = step.one_shape
    value, axes = args[0], len(shape) - 2
    units = of_channels(tape, value.units, axes).expand(shape)
    last = tuple(range(-axes, 0))

    def go(xs, *_):
        if "cubic" in step.packet:
            return xs[0].sum(last, keepdim=True).expand(shape)
        return step.target(xs[0], *args[1:], **kwargs)

    (found,) = tape.record(go, [value], units, step.path)
    return found


# normalisation


def scaled(tape: Tape, step: Step, value: Value, scale, shape: Sequence[int]) -> Value:
    """Multiplied by a scale of its units: where that is zero, nothing comes through."""
    if not isinstance(scale, Const) or bool((scale.value != 0).all()):
        return value
    open_ = (scale.value != 0).float().reshape(tuple(shape))
    tape.closed += int((open_ == 0).sum())
    return combined(tape, step, [value], value.shape, open_.expand(value.shape))


BATCH_NORMS = (
    "batch_norm",
    "_native_batch_norm_legit_functional",
    "_native_batch_norm_legit_no_training",
    "_native_batch_norm_legit",
    "native_batch_norm",
    "_batch_norm_with_update",
    "_batch_norm_no_update",
    "cudnn_batch_norm",
    "_batch_norm_with_update_functional",
)


@rule(*BATCH_NORMS)
def batch_norm(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """A scale and a shift for each channel; other examples of the batch are not looked at."""
    value, scale = args[0], args[1] if len(args) > 1 else kwargs.get("weight")
    shape = [1, -1, *[1] * (value.reached.ndim - 2)]
    found = scaled(tape, step, value, scale, shape)
    return found if step.shape is not None else [found] * 6


@rule("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm")
def layer_norm(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """All features are mixed, and then scaled."""
    value, size = args[:2]
    scale = args[2] if len(args) > 2 else kwargs.get("weight")
    found = mix(tape, step, value, range(-len(size), 0))
    found = scaled(tape, step, found, scale, size)
    return found if step.shape is not None else [found] * 3


@rule("instance_norm")
def instance_norm(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """The positions of a channel are mixed."""
    value, scale = args[0], args[1] if len(args) > 1 else None
    axes = value.reached.ndim - 2
    found = mix(tape, step, value, range(2, 2 + axes))
    return scaled(tape, step, found, scale, [1, -1, *[1] * axes])


@rule("group_norm", "native_group_norm")
def group_norm(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """The channels of a group are mixed."""
    value, scale = args[0], None
    if step.packet == "group_norm":
        groups = args[1]
        scale = args[2] if len(args) > 2 else kwargs.get("weight")
    else:
        scale, groups = args[1], args[6]
    n, c, *positions = value.shape
    shape = (n, groups, c // groups, *positions)

    def regrouped(value, shape):
        units = tape.units.find(value.units).reshape(shape)
        return tape.record(lambda xs, *_: xs[0].reshape(shape), [value], units, step.path)[0]

    found = mix(tape, step, regrouped(value, shape), range(2, len(shape)))
    found = regrouped(found, value.shape)
    found = scaled(tape, step, found, scale, [1, -1, *[1] * len(positions)])
    return found if step.shape is not None else [found] * 3

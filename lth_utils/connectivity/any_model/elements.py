"""Rules of operations element by element, and of sums over axes."""

from __future__ import annotations

import torch
from torch import Tensor

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import combined, dynamic, flat_view, mix, reduced, rule
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import NONE
from lth_utils.connectivity.any_model.values import Const, Value

ELEMENTWISE = (
    *("abs", "add", "sub", "rsub", "mul", "div", "true_divide", "neg", "pow", "exp", "expm1"),
    *(
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "rsqrt",
        "square",
        "reciprocal",
        "sin",
        "cos",
        "tan",
    ),
    *("erf", "sinh", "cosh", "asinh", "acosh", "atanh", "asin", "acos", "atan", "atan2", "erfc"),
    "erfinv",
    *("sigmoid", "tanh", "relu", "relu6", "gelu", "silu", "mish", "elu", "selu", "celu", "hypot"),
    *("leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "hardshrink", "softshrink", "softplus"),
    *("log_sigmoid", "threshold", "clamp", "clamp_min", "clamp_max", "clip", "floor", "ceil"),
    *("round", "trunc", "frac", "sign", "sgn", "maximum", "minimum", "fmod", "remainder", "lerp"),
    *("addcmul", "addcdiv", "masked_fill", "where", "eq", "ne", "lt", "le", "gt", "ge", "isnan"),
    *("logical_not", "logical_and", "logical_or", "logical_xor", "bitwise_not", "bitwise_and"),
    *("bitwise_or", "bitwise_xor", "nan_to_num", "isinf", "isfinite", "float_power"),
    "floor_divide",
    *("dropout", "native_dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
    *("prelu", "_prelu_kernel", "xlogy", "logaddexp", "fmin", "fmax", "copysign", "heaviside"),
    *("rrelu", "rrelu_with_noise", "logit", "sinc", "exp2", "deg2rad", "special_erf", "copy"),
    *("log_sigmoid_forward", "_softplus", "special_expit", "fill", "positive", "asinh", "rad2deg"),
    *("special_xlog1py", "special_entr", "multiply", "divide", "subtract", "negative", "softsign"),
)


@rule(*ELEMENTWISE)
def elementwise(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Every element of what is given depends on the elements at its place."""
    values = dynamic((args, kwargs))
    shape = step.shape
    if shape is None:  # several results, such as a dropout's mask: the first one is meant
        shape = torch.broadcast_shapes(*(value.shape for value in values))
    gate = None
    if step.packet in ("mul", "multiply"):
        others = [a for a in args[:2] if not isinstance(a, Value)]
        gate = _not_zero(others[0], shape) if others else None
    elif step.packet == "masked_fill" and isinstance(args[1], Const):
        gate = (~args[1].value.bool()).float().expand(shape)
    elif step.packet == "where" and isinstance(args[0], Const):
        return _chosen(tape, step, args)
    found = combined(tape, step, values, shape, gate)
    return found if step.shape is not None else [found, found]


def _not_zero(factor, shape: torch.Size) -> Tensor | None:
    """Where a constant factor lets anything through; None: everywhere."""
    if isinstance(factor, Const):
        open_ = factor.value != 0
        return None if bool(open_.all()) else open_.float().expand(shape)
    return torch.zeros(()).expand(shape) if factor == 0 else None


def _chosen(tape: Tape, step: Step, args: tuple) -> Value:
    """``where`` with a known condition: each element comes from one of the two."""
    shape = step.one_shape
    condition = args[0].value.bool().expand(shape)
    parts = []
    for value, taken in zip(args[1:3], (condition, ~condition), strict=True):
        if isinstance(value, Value):
            units = torch.where(taken, value.units.expand(shape), NONE)

            def go(xs, *_, taken=taken):
                return xs[0].expand(shape) * taken

            parts += tape.record(go, [value], units, step.path)
    return combined(tape, step, parts, shape)


@rule("softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax", "cumsum", "cumprod")
def along_an_axis(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """An axis is mixed; order is not looked at."""
    axis = args[1] if len(args) > 1 else kwargs["dim"]
    return mix(tape, step, args[0], [axis])


@rule("sort", "topk", "argsort", "cummax", "cummin", "flip_sort")
def ordered(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Elements sorted along an axis: each may be any of them."""
    place = 2 if step.packet == "topk" else 1
    axis = args[place] if len(args) > place else kwargs.get("dim", -1)
    hub = reduced(tape, step, args[0], [axis], "mixed")
    tape.mixing.setdefault(step.packet, []).append(step.path)
    shape = list(args[0].shape)
    if step.packet == "topk":
        shape[axis] = args[1]
    found = combined(tape, step, [hub], shape)
    return found if step.shape is not None else [found, found]


REDUCTIONS = (
    *("sum", "mean", "amax", "amin", "prod", "std", "var", "norm", "logsumexp", "any", "all"),
    *("argmax", "argmin", "nansum", "nanmean", "linalg_vector_norm", "count_nonzero"),
)


@rule(*REDUCTIONS)
def over_axes(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """One element for all elements along some axes."""
    place = 2 if step.packet in ("norm", "linalg_vector_norm") else 1
    axes = args[place] if len(args) > place else kwargs.get("dim")
    return _over(tape, step, args[0], axes)


def _over(tape: Tape, step: Step, value: Value, axes) -> Value:
    """Reduced to the shape that the step has."""
    axes = _axes(value, axes)
    hub = reduced(tape, step, value, axes)
    if step.shape is not None:
        return flat_view(tape, step, hub, step.shape)
    shape = [size for axis, size in enumerate(value.shape) if axis not in axes]
    return flat_view(tape, step, hub, shape)


def _axes(value: Value, axes) -> list[int]:
    """The axes that are meant, counted from the first; all of them where none is named."""
    n = value.reached.ndim
    if axes is None or axes == [] or isinstance(axes, bool):
        return list(range(n))
    return [axis % n for axis in ([axes] if isinstance(axes, int) else axes)]


@rule("max", "min", "median", "var_mean", "std_mean", "mode", "aminmax")
def extremes(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Reductions that give one result or two; with two tensors, element by element."""
    if len(dynamic(args)) == 2 or (len(args) > 1 and isinstance(args[1], (Const, Value))):
        return elementwise(tape, step, args, kwargs)
    axes = args[1] if len(args) > 1 else kwargs.get("dim")
    if step.shape is not None:
        return _over(tape, step, args[0], axes)
    keep = kwargs.get("keepdim", args[-1] if isinstance(args[-1], bool) else False)
    if keep:
        found = reduced(tape, step, args[0], _axes(args[0], axes))
    else:
        found = _over(tape, step, args[0], axes)
    return [found, found]


@rule("glu")
def gated_halves(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """One half of the units gates the other."""
    value, axis = args[0], args[1] if len(args) > 1 else kwargs.get("dim", -1)
    units = value.units.chunk(2, axis)
    halves = tape.record(lambda xs, *_: xs[0].chunk(2, axis), [value], units, step.path)
    return combined(tape, step, halves, step.one_shape)

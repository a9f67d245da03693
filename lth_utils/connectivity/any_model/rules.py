"""What each operation of torch does to reached elements and to their units.

A rule is a function of the walk, a step and its arguments; ``RULES`` has them by the plain name of
the operation. An operation without a rule is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.tape import Const, Tape, Value, blank, cut, merged
from lth_utils.connectivity.any_model.units import NONE, collapsed, same

Rule = Callable[[Tape, Step, tuple, dict], object]

RULES: dict[str, Rule] = {}
"""By the plain name of the operation."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of these operations."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def dynamic(args) -> list[Value]:
    """The values among arguments that depend on the inputs."""
    return [leaf for leaf in pytree.tree_leaves(args) if isinstance(leaf, Value)]


def filled(args, tensors: Sequence[Tensor], constant: Callable[[Tensor], Tensor] | None = None):
    """Arguments with the values that depend on inputs replaced by `tensors`, in order."""
    left = iter(tensors)

    def fill(leaf):
        if isinstance(leaf, Value):
            return next(left)
        if isinstance(leaf, Const):
            return leaf.value if constant is None else constant(leaf.value)
        return leaf

    return pytree.tree_map(fill, args)


# elements that only move


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
    mixed = [flat_view(tape, step, value, (1,) * len(step.shape)) for value in mixed]
    tape.mixing.setdefault("picking elements by computed positions", []).append(step.path)
    return combined(tape, step, mixed, step.shape)


def flat_view(tape: Tape, step: Step, value: Value, shape: Sequence[int]) -> Value:
    """A value in another shape of as many elements."""
    (found,) = tape.record(
        lambda xs, *_: xs[0].reshape(shape), [value], value.units.reshape(shape), step.path
    )
    return found


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


# element by element


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
    condition = args[0].value.bool().expand(step.shape)
    parts = []
    for value, taken in zip(args[1:3], (condition, ~condition), strict=True):
        if isinstance(value, Value):
            units = torch.where(taken, value.units.expand(step.shape), NONE)

            def go(xs, *_, taken=taken):
                return xs[0].expand(step.shape) * taken

            parts += tape.record(go, [value], units, step.path)
    return combined(tape, step, parts, step.shape)


def combined(
    tape: Tape,
    step: Step,
    values: Sequence[Value],
    shape: Sequence[int],
    gate: Tensor | None = None,
    kind: str = "",
) -> Value:
    """The sum of values that are broadcast to one shape.

    The units stay where all values agree on them; otherwise each pair of units makes a new one.

    Args:
        gate: 0 where a constant lets nothing through.
        kind: of the group of new units; the operation's name if empty.
    """
    shape = tuple(shape)
    expanded = [tape.units.find(value.units).expand(shape) for value in values]
    units, fresh = expanded[0], False
    for other in expanded[1:]:
        agreed = merged(units, other)
        if agreed is None:
            agreed, fresh = _pairs(tape, step, units, other, kind), True
        units = agreed

    def go(xs, *_):
        total = sum(x.expand(shape) for x in xs)
        total = cut(total) if len(xs) > 1 else total
        return total if gate is None else total * gate

    (found,) = tape.record(go, values, units, step.path)
    if fresh:
        for value in values:
            tape.join(value, found)
    return found


def _pairs(tape: Tape, step: Step, a: Tensor, b: Tensor, kind: str) -> Tensor:
    """One new unit for each two units that meet."""
    a, b, shape = collapsed(a, b)
    key = (a + 1) * (tape.units.total + 1) + b + 1
    pairs, which = torch.unique(key, return_inverse=True)
    new = tape.units.new(step.path or step.name, kind or step.packet, len(pairs))
    return new[which].expand(shape)


# sums over axes, and what mixes


def reduced(tape: Tape, step: Step, value: Value, axes: Sequence[int], kind: str = "") -> Value:
    """Any of the elements along some axes, which keep the length 1.

    The unit stays where it is the same along the axes; otherwise each set of units makes a new one.
    """
    axes = sorted(axis % value.reached.ndim for axis in axes)
    if not axes:
        return value
    numbers = tape.units.find(value.units)
    largest = numbers.amax(axes, keepdim=True)
    fresh = not same(numbers, largest.expand(numbers.shape))
    units = _lines(tape, step, numbers, axes, kind) if fresh else largest
    (found,) = tape.record(
        lambda xs, *_: cut(xs[0].sum(axes, keepdim=True)), [value], units, step.path
    )
    if fresh:
        tape.join(value, found)
    return found


def _lines(tape: Tape, step: Step, numbers: Tensor, axes: list[int], kind: str) -> Tensor:
    """One new unit for each set of units that lies along the axes, which keep the length 1."""
    shape = [1 if axis in axes else size for axis, size in enumerate(numbers.shape)]
    others = [axis for axis in range(numbers.ndim) if axis not in axes]
    lines, axes_left = numbers, list(others)
    for axis in others:  # what only repeats needs to be looked at once
        if lines.stride(axis) == 0:
            lines = lines.narrow(axis, 0, 1)
    kept = [lines.shape[axis] for axis in axes_left]
    flat = lines.permute(*axes_left, *axes).reshape(-1, _size(numbers.shape, axes))
    name = step.path or step.name
    if same(flat, flat.amax(0).expand(flat.shape)):
        return tape.units.new(name, kind or step.packet, 1).reshape((1,) * len(shape)).expand(shape)
    _, which = torch.unique(flat, dim=0, return_inverse=True)
    new = tape.units.new(name, kind or step.packet, int(which.max()) + 1)
    sizes = iter(kept)
    places = [1 if axis in axes else next(sizes) for axis in range(numbers.ndim)]
    return new[which].reshape(places).expand(shape)


def _size(shape: Sequence[int], axes: Sequence[int]) -> int:
    """How many elements lie along some axes."""
    count = 1
    for axis in axes:
        count *= shape[axis]
    return count


def spread(tape: Tape, step: Step, hub: Value, value: Value) -> Value:
    """What was reduced, given to all elements of `value` again, each in a unit of its own."""
    shape = value.shape
    a, b = hub.units.expand(shape), tape.units.find(value.units)
    agreed = merged(a, b)
    units = _pairs(tape, step, a, b, "") if agreed is None else agreed
    (found,) = tape.record(lambda xs, *_: xs[0].expand(shape), [hub], units, step.path)
    if agreed is None:
        tape.join(hub, found)
    return found


def mix(tape: Tape, step: Step, value: Value, axes: Sequence[int]) -> Value:
    """Every element depends on all others along some axes."""
    hub = reduced(tape, step, value, axes, "mixed")
    found = spread(tape, step, hub, value)
    if hub.units.numel() and not same(hub.units.expand(value.shape), tape.units.find(value.units)):
        tape.mixing.setdefault(step.packet, []).append(step.path)
    return found


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
    n = value.reached.ndim
    if axes is None or axes == [] or isinstance(axes, bool):
        axes = range(n)
    axes = [axes] if isinstance(axes, int) else list(axes)
    hub = reduced(tape, step, value, axes)
    shape = step.shape
    if shape is None:
        gone = {axis % n for axis in axes}
        shape = [size for axis, size in enumerate(value.shape) if axis not in gone]
    return flat_view(tape, step, hub, tuple(shape))


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
        axes = [axes] if isinstance(axes, int) else list(axes)
        found = reduced(tape, step, args[0], axes)
    else:
        found = _over(tape, step, args[0], axes)
    return [found, found]


@rule("glu")
def gated_halves(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """One half of the units gates the other."""
    value, axis = args[0], args[1] if len(args) > 1 else kwargs.get("dim", -1)
    units = value.units.chunk(2, axis)
    halves = tape.record(lambda xs, *_: xs[0].chunk(2, axis), [value], units, step.path)
    return combined(tape, step, halves, step.shape)


# products of two values that depend on the inputs


def product(tape: Tape, step: Step, a: Value, b: Value) -> Value:
    """A matrix product of two values: each sum depends on its whole row and its whole column."""
    rows = reduced(tape, step, a, [-1], "mixed")
    columns = reduced(tape, step, b, [-2], "mixed")
    return combined(tape, step, [rows, columns], step.shape)


@rule("scaled_dot_product_attention")
def attention(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Every token of a head gets the values of all tokens that it may look at."""
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = dict(zip(names, args, strict=False)) | kwargs
    query, key, value = (lifted(tape, given[name]) for name in names[:3])
    if query.shape[-3:-2] != key.shape[-3:-2]:
        key, value = (_repeated(tape, step, x, query.shape[-3]) for x in (key, value))
    allowed = torch.ones(query.shape[-2], key.shape[-2])
    if given.get("is_causal"):
        allowed = allowed.tril()
    mask = given.get("attn_mask")
    if isinstance(mask, Const):
        seen = mask.value if mask.value.dtype == torch.bool else mask.value > float("-inf")
        allowed = allowed * seen
    tape.mixing.setdefault("attention", []).append(step.path)
    asked = reduced(tape, step, query, [-1], "mixed")
    offered = reduced(tape, step, key, [-1], "mixed")
    scores = _looked_at(tape, step, allowed, offered, asked)
    if isinstance(mask, Value):
        of_mask = reduced(tape, step, mask, [-1], "mixed")
        scores = combined(tape, step, [scores, of_mask], scores.shape)
    return _looked_at(tape, step, allowed, value, scores)


def _looked_at(tape: Tape, step: Step, allowed: Tensor, tokens: Value, asking: Value) -> Value:
    """For each asking token what it may look at, and itself; its units with those of the tokens."""
    numbers = tape.units.find(tokens.units)
    largest = numbers.amax(-2, keepdim=True)
    if not same(numbers, largest.expand(numbers.shape)):
        allowed = torch.ones_like(allowed)
        tokens = reduced(tape, step, tokens, [-2], "mixed")
        largest = tokens.units
        allowed = allowed[..., :1]
    shape = torch.broadcast_shapes(
        (*asking.shape[:-1], 1), (*tokens.shape[:-2], 1, tokens.shape[-1])
    )
    a, b = tape.units.find(asking.units).expand(shape), largest.expand(shape)
    agreed = merged(a, b)
    units = _pairs(tape, step, a, b, "attention") if agreed is None else agreed

    def go(xs, *_):
        return cut(allowed @ xs[0] + xs[1])

    (found,) = tape.record(go, [tokens, asking], units, step.path)
    if agreed is None:
        tape.join(asking, found)
        # whether a token is looked at is left out here: any token of the unit counts
        reached = tokens.reached.any(-2, keepdim=True)
        tape.join(Value(reached, largest), found)
    return found


def _repeated(tape: Tape, step: Step, value: Value, heads: int) -> Value:
    """Heads repeated, where several queries share one."""
    times = heads // value.shape[-3]
    units = value.units.repeat_interleave(times, -3)
    (found,) = tape.record(
        lambda xs, *_: xs[0].repeat_interleave(times, -3), [value], units, step.path
    )
    return found


def lifted(tape: Tape, value: Value | Const) -> Value:
    """A constant as a value that no input reaches."""
    if isinstance(value, Value):
        return value
    reached = torch.zeros(value.value.shape, dtype=torch.bool)
    return Value(reached, blank(reached.shape))

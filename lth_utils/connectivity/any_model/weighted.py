"""Rules of operations with weights: linear layers, convolutions, embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model.attention import product
from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import combined, lifted, rule
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import column_numbers, same
from lth_utils.connectivity.any_model.values import Const, Use, Value


def used(
    weight: Const, step: Step, kind: str, rows: int, spread, to_units, links, mask=None
) -> Use:
    """A use of a weight, see :class:`Use`."""
    name = weight.origin or f"{step.path or step.name} (computed)"
    return Use(
        name,
        weight.value != 0 if mask is None else mask,
        weight.index,
        step.path,
        kind,
        rows,
        spread,
        to_units,
        *links,
    )


def sources_of(tape: Tape, numbers: Tensor) -> Tensor | None:
    """The unit of each column of ``[L, I]``; None where every row lies within one unit.

    The rows share weights, so a column's elements become one unit where they are not yet.
    """
    first = column_numbers(numbers)
    if same(numbers, first.expand(numbers.shape)):
        return first
    of_rows = numbers.amax(1, keepdim=True)
    if same(numbers, of_rows.expand(numbers.shape)):
        return None
    tape.units.join(numbers)
    return column_numbers(tape.units.find(numbers))


def matrix(
    tape: Tape, step: Step, value: Value | Const, weight: Const, transposed: bool, kind: str
) -> Value:
    """Sums over the last axis with a weight ``[O, I]``, or ``[I, O]`` where `transposed`."""
    value = lifted(tape, value)
    n_out, n_in = weight.value.shape[::-1] if transposed else weight.value.shape
    numbers = tape.units.find(value.units).reshape(-1, n_in)
    sources = sources_of(tape, numbers)
    shape = (*value.shape[:-1], n_out)
    links: tuple[Tensor | None, Tensor | None] = (None, None)
    if sources is None:  # a sum over positions of one unit, as in mixing tokens
        units = tape.units.find(value.units).amax(-1, keepdim=True).expand(shape)
    else:
        new = tape.units.new(step.path or step.name, kind, n_out)
        units, links = new.expand(shape), (sources[None], new[None])

    own = weight.value != 0
    mask = own.T if transposed else own

    def go(xs, *_):
        parts = [F.linear(xs[0], part.float()) for part in _blocks(mask)]
        return torch.cat(parts, -1)

    def back(reached, leads):
        return _matrix_back(mask, reached, leads, transposed)

    def spread(rows):
        return rows[None, :] if transposed else rows[:, None]

    def to_units(found):
        return (found.T if transposed else found)[None]

    use = used(weight, step, kind, n_out, spread, to_units, links, own)
    use.is_whole = weight.index is None and not transposed and weight.origin is not None
    (found,) = tape.record(go, [value], units, step.path, [use], back)
    return found


BLOCK = 2**22
"""Weights of a matrix that are looked at at once, so that large layers need little memory."""


def _blocks(mask: Tensor) -> tuple[Tensor, ...]:
    """A matrix in blocks of whole rows."""
    return mask.split(max(1, BLOCK // mask.shape[1]))


def _matrix_back(mask: Tensor, reached: Tensor, leads: Tensor, transposed: bool):
    """The way back through a matrix ``[O, I]``, block by block; see ``tape.ByHand``."""
    shape = reached.shape
    x, g = reached.reshape(-1, shape[-1]).float(), leads.reshape(-1, len(mask)).float()
    first, total, found = 0, torch.zeros_like(x), torch.empty_like(mask)
    for part in _blocks(mask):
        here = slice(first, first + len(part))
        first += len(part)
        total += g[:, here] @ part.float()
        found[here] = (g[:, here].T @ x > 0.5) & part
    return (total > 0).reshape(shape), found.T if transposed else found, g.amax(0) > 0


@rule("linear")
def linear(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """A linear layer."""
    value, weight = args[:2]
    if isinstance(weight, Value):
        value, weight = lifted(tape, value), _turned(tape, step, weight)
        return product(tape, step, value, weight)
    return matrix(tape, step, value, weight, False, "linear")


def _turned(tape: Tape, step: Step, value: Value) -> Value:
    """A matrix with rows for columns."""
    units = value.units.transpose(-1, -2)
    (found,) = tape.record(lambda xs, *_: xs[0].transpose(-1, -2), [value], units, step.path)
    return found


@rule("mm", "matmul", "bmm", "mv", "dot")
def matmul(tape: Tape, step: Step, args: tuple, kwargs: dict) -> Value:
    """A product of matrices, one of which may be a weight."""
    a, b = args[:2]
    sizes = [len(x.shape if isinstance(x, Value) else x.value.shape) for x in (a, b)]
    if min(sizes) < 2:
        raise SpecError(f"{step.packet} of a vector is not understood")
    if isinstance(a, Value) and isinstance(b, Value):
        return product(tape, step, a, b)
    if isinstance(a, Const):  # (A B)' = B' A', so that the weight comes last
        turned = Const(a.value.transpose(-1, -2), a.origin, _index(a).transpose(-1, -2))
        return _turned(tape, step, _by_weight(tape, step, _turned(tape, step, b), turned))
    return _by_weight(tape, step, a, b)


def _index(weight: Const) -> Tensor:
    """Where the elements of a weight come from, as numbers."""
    if weight.index is not None:
        return weight.index
    return torch.arange(weight.value.numel()).reshape(weight.value.shape)


def _by_weight(tape: Tape, step: Step, value: Value, weight: Const) -> Value:
    """A product with a weight ``[I, O]``, or with one for each block, ``[G, I, O]``."""
    if weight.value.ndim == 2:
        return matrix(tape, step, value, weight, True, "linear")
    blocks, n_in, n_out = weight.value.shape[-3:]
    if weight.value.ndim > 3 or value.reached.ndim < 3 or value.shape[-3] != blocks:
        raise SpecError(
            f"{step.packet} of shapes {tuple(value.shape)} and {tuple(weight.value.shape)} with a "
            "weight is not understood"
        )
    # [..., G, M, I]: every block has rows that share its weight
    numbers = tape.units.find(value.units).transpose(-2, -3).reshape(-1, blocks * n_in)
    sources = column_numbers(numbers)
    if not same(numbers, sources.expand(numbers.shape)):
        tape.units.join(numbers)
        sources = column_numbers(tape.units.find(numbers))
    new = tape.units.new(step.path or step.name, "linear", blocks * n_out).reshape(blocks, n_out)
    shape = (*value.shape[:-1], n_out)

    def go(xs, ws, rows):
        return xs[0] @ ws[0] + rows[0].reshape(blocks, 1, n_out)

    links = sources.reshape(blocks, n_in), new
    use = used(
        weight,
        step,
        "linear",
        blocks * n_out,
        lambda rows: rows.reshape(blocks, 1, n_out),
        lambda found: found.transpose(1, 2),
        links,
    )
    (found,) = tape.record(go, [value], new[:, None].expand(shape), step.path, [use])
    return found


@rule("addmm", "baddbmm")
def addmm(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """A product of matrices, and a bias."""
    found = matmul(tape, step, args[1:3], {})
    if isinstance(args[0], Value):
        return combined(tape, step, [found, args[0]], step.one_shape)
    return found


@rule("conv1d", "conv2d", "conv3d")
@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution")
def convolution(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """A convolution, grouped or transposed or neither."""
    names = ["x", "weight", "bias", "stride", "padding", "dilation", "groups"]
    transposed = "transpose" in step.packet
    if step.packet == "convolution":
        names[6:] = ["transposed", "output_padding", "groups"]
    elif transposed:
        names[5:] = ["output_padding", "groups", "dilation"]
    given = dict(zip(names, args, strict=False)) | kwargs
    transposed = transposed or given.get("transposed", False)
    value, weight = lifted(tape, given.pop("input", given.get("x"))), given["weight"]
    if isinstance(weight, Value):
        raise SpecError(f"the weights of {step.packet} depend on the inputs; not understood")
    groups = given.get("groups", 1)
    axes = weight.value.ndim - 2
    options = {k: given[k] for k in ("stride", "padding", "dilation") if k in given}
    if transposed and "output_padding" in given:
        options["output_padding"] = given["output_padding"]
    kind = f"conv_transpose{axes}d" if transposed else f"conv{axes}d"
    apply = getattr(F, kind)

    channel = -1 - axes
    numbers = tape.units.find(value.units).movedim(channel, -1)
    n_in = numbers.shape[-1]
    sources = column_numbers(numbers.reshape(-1, n_in))
    if not same(numbers, sources.expand(numbers.shape)):
        tape.units.join(numbers.reshape(-1, n_in))
        sources = tape.units.find(sources)
    shape = step.one_shape
    n_out = shape[channel]
    new = tape.units.new(step.path or step.name, kind, n_out)
    units = new.reshape(-1, *[1] * axes).expand(shape)

    def go(xs, ws, rows):
        return apply(xs[0], ws[0], rows[0], groups=groups, **options)

    def spread(rows):
        if not transposed:
            return rows.reshape(-1, *[1] * (axes + 1))
        of_groups = rows.reshape(groups, 1, -1).expand(-1, n_in // groups, -1)
        return of_groups.reshape(n_in, -1, *[1] * axes)

    def to_units(found):
        found = found.flatten(2).any(2)
        if transposed:
            return found.reshape(groups, n_in // groups, -1).transpose(1, 2)
        return found.reshape(groups, n_out // groups, -1)

    links = sources.reshape(groups, -1), new.reshape(groups, -1)
    use = used(weight, step, kind, n_out, spread, to_units, links)
    (found,) = tape.record(go, [value], units, step.path, [use])
    return found


@rule("embedding")
def embedding(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Rows of a table: the input is which row, so any row may come."""
    weight, value = args[:2]
    if isinstance(weight, Value):
        raise SpecError("a table of embeddings depends on the inputs; not understood")
    return _looked_up(tape, step, weight, value, "embedding")


def _looked_up(tape: Tape, step: Step, weight: Const, value: Value, kind: str) -> Value:
    """Any row of the table at each element of `value`."""
    n_out = weight.value.shape[1]
    new = tape.units.new(step.path or step.name, kind, n_out)
    sources = torch.unique(tape.units.find(value.units))
    sources = sources[sources >= 0]

    def go(xs, ws, rows):
        return xs[0].unsqueeze(-1) * ws[0].sum(0) + rows[0]

    def to_units(found):
        return found.any(0)[None, :, None].expand(1, n_out, len(sources))

    use = used(weight, step, kind, n_out, _as_columns, to_units, (sources[None], new[None]))
    units = new.expand(*value.shape, n_out)
    (found,) = tape.record(go, [value], units, step.path, [use])
    return found


def _as_columns(rows: Tensor) -> Tensor:
    """For each column of a table."""
    return rows[None, :]


@rule("bilinear")
def bilinear(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """Sums of products of two inputs: a weight for each three units."""
    raise SpecError("a bilinear layer has weights for three units each; not understood")

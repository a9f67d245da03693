"""Rules of attention, and of products of two values that depend on the inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import combined, lifted, pairs_of, reduced, rule
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import same
from lth_utils.connectivity.any_model.values import Const, Value, cut, merged


def product(tape: Tape, step: Step, a: Value, b: Value) -> Value:
    """A matrix product of two values: each sum depends on its whole row and its whole column."""
    rows = reduced(tape, step, a, [-1], "mixed")
    columns = reduced(tape, step, b, [-2], "mixed")
    return combined(tape, step, [rows, columns], step.one_shape)


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
    units = pairs_of(tape, step, a, b, "attention") if agreed is None else agreed

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

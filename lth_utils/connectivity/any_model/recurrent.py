"""Rules of recurrent layers, step by step through the sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.rules import lifted, rule
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import column_numbers, same
from lth_utils.connectivity.any_model.values import Use, Value, cut
from lth_utils.connectivity.any_model.weighted import used

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


@rule(*GATES)
def recurrent(tape: Tape, step: Step, args: tuple, kwargs: dict):
    """LSTM, GRU or RNN: every hidden unit has one row of weights per gate."""
    if str(step.target).endswith(".data"):
        raise SpecError(
            f"{step.packet} of a packed sequence is not understood; give a plain tensor"
        )
    value, states, weights, biases, n_layers, _, _, two_ways, batch_first = args[:9]
    value = lifted(tape, value)
    states = [lifted(tape, s) for s in (states if isinstance(states, (list, tuple)) else [states])]
    per_layer = 4 if biases else 2
    if step.packet == "lstm" and len(weights) != per_layer * n_layers * (2 if two_ways else 1):
        raise SpecError("an LSTM with proj_size is not understood")
    if not batch_first and value.reached.ndim == 3:
        value = _turned(tape, step, value)
    ends: list[list[Value]] = [[] for _ in states]
    ways = 2 if two_ways else 1
    for layer in range(n_layers):
        outputs = []
        for way in range(ways):
            place = layer * ways + way
            given = weights[place * per_layer :][:2]
            start = [_row(tape, step, state, place) for state in states]
            found = _one_way(tape, step, value, start, given, reverse=way == 1)
            outputs.append(found[0])
            for end, state in zip(ends, found[1:], strict=True):
                end.append(state)
        value = outputs[0] if ways == 1 else _beside(tape, step, outputs, -1)
    if not batch_first and value.reached.ndim == 3:
        value = _turned(tape, step, value)
    return [value, *(_beside(tape, step, end, 0) for end in ends)]


def _one_way(
    tape: Tape, step: Step, value: Value, start: Sequence[Value], weights, reverse: bool
) -> list[Value]:
    """One layer in one direction: all outputs, and the last states ``[1, B, H]``."""
    from_input, from_hidden = weights
    hidden = from_hidden.value.shape[1]
    gates = GATES[step.packet]
    numbers = tape.units.find(value.units).reshape(-1, value.shape[-1])
    sources = column_numbers(numbers)
    if not same(numbers, sources.expand(numbers.shape)):
        tape.units.join(numbers)
        sources = tape.units.find(sources)
    new = tape.units.new(step.path or step.name, step.packet, hidden)

    def spread(rows):
        return rows[:, None]

    def to_units(found):
        return found.reshape(gates, hidden, -1).any(0)[None]

    uses: list[Use] = []
    for weight, source in ((from_input, sources), (from_hidden, new)):
        links = source[None], new[None]
        rows = weight.value.shape[0]
        uses.append(used(weight, step, step.packet, rows, spread, to_units, links))
    remembers = step.packet in ("lstm", "gru")

    def go(xs, ws, rows):
        x, *states = xs
        h, c = states[0][0], states[-1][0]
        times = range(x.shape[-2])
        every = F.linear(x, ws[0], rows[0])
        outs = []
        for time in reversed(times) if reverse else times:
            sums = cut(every[..., time, :] + F.linear(h, ws[1], rows[1]))
            arrives = sums.unflatten(-1, (gates, hidden)).sum(-2)
            if remembers:
                arrives = arrives + c
            h = c = cut(arrives)
            outs.append(h)
        out = torch.stack(outs[::-1] if reverse else outs, -2)
        return [out, *([h[None]] * len(states))]

    shape = (*value.shape[:-1], hidden)
    ends = [new.expand(state.shape) for state in start]
    found = tape.record(go, [value, *start], [new.expand(shape), *ends], step.path, uses)
    for state in start:
        tape.join(state, Value(state.reached, new.expand(state.shape)), by_source=True)
    return found


def _turned(tape: Tape, step: Step, value: Value) -> Value:
    """Time and batch exchanged."""
    units = value.units.transpose(0, 1)
    (found,) = tape.record(lambda xs, *_: xs[0].transpose(0, 1), [value], units, step.path)
    return found


def _row(tape: Tape, step: Step, value: Value, place: int) -> Value:
    """One layer's first state, ``[1, B, H]``."""
    units = value.units[place : place + 1]
    (found,) = tape.record(lambda xs, *_: xs[0][place : place + 1], [value], units, step.path)
    return found


def _beside(tape: Tape, step: Step, values: Sequence[Value], axis: int) -> Value:
    """Values side by side."""
    if len(values) == 1:
        return values[0]
    units = torch.cat([value.units for value in values], axis)
    (found,) = tape.record(lambda xs, *_: torch.cat(xs, axis), values, units, step.path)
    return found

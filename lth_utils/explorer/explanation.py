"""One sentence about one unit of a ticket: its state, why, and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lth_utils import connectivity
from lth_utils.config import SpecError, coerce, expect, shape_text
from lth_utils.connectivity import ACTIVE, INACTIVE
from lth_utils.data import Dataset
from lth_utils.networks.layers import require_dense
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values
from lth_utils.viewer.run import relatives

EXAMPLES = 1000
"""Of the test split, or random points, on which shares and ranges are computed."""

MOST_NAMES = 4
"""Inputs or outputs that are named one by one; more of them are counted."""


@dataclass(frozen=True)
class Unit:
    """A unit of a ticket, and what its place in the graph says.

    Args:
        ticket: a dense network.
        layer: 0 for the inputs.
        unit: position in its layer.
        family: over layers bool ``[U]``, the unit with its ancestors and descendants.
        found: ``connectivity.structure`` of the ticket.
    """

    ticket: Ticket
    layer: int
    unit: int
    family: list[np.ndarray]
    found: connectivity.Structure

    @property
    def leads(self) -> np.ndarray:
        """To which outputs it leads, bool ``[O]``."""
        return self.found.leads[self.layer][self.unit]

    @property
    def last(self) -> int:
        """The layer of the outputs."""
        return len(self.ticket.shape) - 1


def explain(ticket: Ticket, layer: int, unit: int, dataset: Dataset | None = None) -> str:
    """One sentence about one unit: its state, why, and what it does.

    Args:
        ticket: a dense network.
        layer: 0 for the inputs.
        unit: position in its layer, from 0.
        dataset: on whose test split shares and ranges are computed; without it on 1000
            standard-normal points.

    Raises:
        SpecError: a network with convolutions, or a unit that it does not have.
    """
    require_dense(expect(ticket, Ticket, "ticket").shape, "the ticket")
    layer, unit = coerce(layer, int, "layer"), coerce(unit, int, "unit")
    if not 0 <= layer < len(ticket.shape) or not 0 <= unit < ticket.shape[layer]:
        raise SpecError(
            f"layer {layer}, unit {unit} is not in network {shape_text(ticket.shape)}; both "
            "count from 0, inputs are layer 0"
        )
    masks = [m[0].numpy() for m in ticket.masks]
    found = connectivity.structure(ticket.masks, ticket.tasks)
    one = Unit(ticket, layer, unit, relatives(masks, layer, unit), found)
    name, state = _name(ticket, layer, unit), found.states[layer][unit]
    if state == INACTIVE:
        return f"{name} – inactive: {_inactive(one)}."
    if state == ACTIVE:
        return f"{name} – active: {_active(one, dataset)}."
    return f"{name} – zombie: no path from any input reaches it; {_constant(one, dataset)}."


def _inactive(one: Unit) -> str:
    """Why nothing depends on a unit."""
    others = [units.sum() for units in one.family]
    others[one.layer] -= 1
    why = "no path leads from it to an output" if any(others) else "no weight is left at it"
    if one.layer == 0:
        return f"{why}, so the network does not see it"
    return f"{why}, so nothing it computes matters"


def _active(one: Unit, dataset: Dataset | None) -> str:
    """What reaches a unit, where it leads, and how often its value is above zero."""
    parts = []
    if one.layer > 0:
        sources = _names(one.ticket, 0, one.family[0])
        parts.append(f"{sources} reach{'es' if one.family[0].sum() == 1 else ''} it")
    if one.layer < one.last:
        parts.append(f"it leads to {_names(one.ticket, one.last, one.leads)}")
    sentence = " and ".join(parts)
    if one.ticket.trained is None or not 0 < one.layer < one.last:
        return sentence
    x, where = _examples(one.ticket, dataset)
    share = (unit_values(one.ticket, x)[one.layer][:, one.unit] > 0).mean()
    fires = f"it fires for {share:.1%} of {where}" if share else f"it never fires on {where}"
    return f"{sentence}; {fires}"


def _constant(one: Unit, dataset: Dataset | None) -> str:
    """The value of a unit that no input reaches, and what that does to the outputs."""
    ticket = one.ticket
    if ticket.trained is None:
        return "what it gives out is not known, trained values of this level were not kept"
    if one.layer == one.last:
        nothing = np.zeros((1, ticket.shape[0]), np.float32)
        return f"it is {unit_values(ticket, nothing)[-1][0, one.unit]:.3g} whatever the input"
    x, where = _examples(ticket, dataset)
    values = unit_values(ticket, x)
    value = float(values[one.layer][0, one.unit])
    if value == 0:
        return f"it gives out 0 and adds nothing to {_names(ticket, one.last, one.leads)}"
    changes = values[-1] - unit_values(ticket, x, silenced=(one.layer, one.unit))[-1]
    effects = []
    for output in np.flatnonzero(one.leads):
        change, name = changes[:, output], _name(ticket, one.last, output)
        if _depends_on_input(one, output):
            bounds = f"{change.min():.3g} to {change.max():.3g}"
            effects.append(f"shifts {name} by {bounds}, depending on the input ({where})")
        else:
            effects.append(f"adds a constant {change[0]:.3g} to {name}")
    return f"it gives out {value:.3g} and {' and '.join(effects)}"


def _depends_on_input(one: Unit, output: int) -> bool:
    """Whether a zombie's path to an output leads through an active unit.

    Without one, all values on the way are constant.
    """
    for layer in range(one.layer + 1, one.last):
        on_the_way = one.family[layer] & one.found.leads[layer][:, output]
        if (on_the_way & (one.found.states[layer] == ACTIVE)).any():
            return True
    return False


def _examples(ticket: Ticket, dataset: Dataset | None) -> tuple[np.ndarray, str]:
    """Inputs ``[B, I]``, and what they are called."""
    if dataset is None:
        points = np.random.default_rng(0).standard_normal
        return points((EXAMPLES, ticket.shape[0]), dtype=np.float32), f"{EXAMPLES} random points"
    if len(dataset.x_test) <= EXAMPLES:
        return dataset.x_test, "the test split"
    return dataset.x_test[:EXAMPLES], f"{EXAMPLES} points of the test split"


def _name(ticket: Ticket, layer: int, unit: int) -> str:
    """What a unit is called."""
    if 0 < layer < len(ticket.shape) - 1:
        return f"neuron {unit + 1} of hidden layer {layer}"
    name = f"{'x' if layer == 0 else 'y'}{unit + 1}"
    owner = _owner(ticket, layer, unit)
    return f"{name} ({owner})" if owner else name


def _owner(ticket: Ticket, layer: int, unit: int) -> str | None:
    """The task of an input or output."""
    for task in ticket.tasks:
        if unit in (task.inputs if layer == 0 else task.outputs):
            return task.name
    return None


def _names(ticket: Ticket, layer: int, units: Sequence[bool]) -> str:
    """Inputs or outputs by name, as ``x1 and x2 (circles)``; a count where they are many."""
    what = "input" if layer == 0 else "output"
    chosen = np.flatnonzero(units).tolist()
    if len(chosen) == len(units) > 1:
        return f"all {len(chosen)} {what}s"
    if len(chosen) > MOST_NAMES:
        return f"{len(chosen)} {what}s"
    names = [_name(ticket, layer, unit) for unit in chosen]
    for n in range(len(names) - 1):  # a task is named once, after the last of its own
        if _owner(ticket, layer, chosen[n]) == _owner(ticket, layer, chosen[n + 1]):
            names[n] = names[n].partition(" ")[0]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

"""What is said about a picture, for those who read rather than look."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lth_utils import connectivity
from lth_utils.connectivity import ACTIVE, INACTIVE
from lth_utils.data import Dataset
from lth_utils.explorer.run import COLOURS, Options, Run, relatives
from lth_utils.explorer.values import forward
from lth_utils.networks.ticket import Ticket


def outcome_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """What became of a run.

    >>> outcome_in_words(["interconnected", "separated", "degraded"], [0, 1, 2])
    'separated at level 1, degraded at level 2'
    >>> outcome_in_words(["interconnected"], [0])
    'interconnected to the end'
    """
    events = [
        f"{word} at level {levels[list(words).index(word)]}"
        for word in ("separated", "degraded")
        if word in words
    ]
    return ", ".join(events) or f"{words[-1]} to the end"


def stretches_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """Which levels have which status.

    >>> stretches_in_words(["interconnected", "interconnected", "separated"], [0, 1, 2])
    'levels 0 to 1 interconnected, level 2 separated'
    """
    starts = [n for n in range(len(words)) if n == 0 or words[n] != words[n - 1]]
    said = []
    for first, last in zip(starts, [n - 1 for n in starts[1:]] + [len(words) - 1], strict=True):
        where = (
            f"level {levels[first]}"
            if first == last
            else f"levels {levels[first]} to {levels[last]}"
        )
        said.append(f"{where} {words[first]}")
    return ", ".join(said)


def level_in_words(run: Run, row: int) -> str:
    """The status of one level and its numbers."""
    numbers = run.rows.iloc[row]
    said = (
        f"Level {numbers['level']}: {numbers['status']}. Of {numbers['available']} available weights {numbers['active']} active, "
        f"{numbers['inactive']} inactive, {numbers['zombie']} zombie; "
        f"{numbers['subnetworks']} subnetwork{'' if numbers['subnetworks'] == 1 else 's'}"
    )
    scores = [
        f"{t.name} {numbers[f'accuracy_{t.name}']:.1%}"
        for t in run.tasks
        if f"accuracy_{t.name}" in numbers
    ]
    return said + (f"; accuracy {', '.join(scores)}." if scores else ".")


def picture_in_words(sights: Sequence[tuple[Run, int]], options: Options) -> str:
    """What a picture shows: networks, levels and options."""
    said = [
        " beside ".join(f"{run.title}, level {run.rows['level'].iloc[row]}" for run, row in sights),
        COLOURS[options.colours],
    ]
    if options.pruned:
        said.append("pruned weights, faint")
    if options.neuron:
        layer, unit = options.neuron
        said.append(f"{layers_in_words(sights[0][0].shape)[layer]}, {unit + 1} lit up")
    return "; ".join(said)


def layers_in_words(shape: Sequence[int]) -> list[str]:
    """What the layers of a network are called.

    >>> layers_in_words((4, 8, 8, 2))
    ['inputs', 'hidden layer 1', 'hidden layer 2', 'outputs']
    """
    return ["inputs", *(f"hidden layer {n}" for n in range(1, len(shape) - 1)), "outputs"]


def explain(ticket: Ticket, layer: int, unit: int, dataset: Dataset | None = None) -> str:
    """One sentence about one unit: its state, why, and what it does.

    layer: 0 for the inputs; unit: from 0; dataset: on whose test half shares and ranges are computed
    (default: 1000 standard-normal points).
    """
    masks = [m[0].numpy() for m in ticket.masks]
    found = connectivity.structure(ticket.masks, ticket.tasks)
    state, family = found.states[layer][unit], relatives(masks, layer, unit)
    before, after = _names(ticket, 0, family[0]), _names(ticket, -1, found.leads[layer][unit])
    name, last = _name(ticket, layer, unit), len(ticket.shape) - 1
    if state == INACTIVE:
        alone = not any(f.sum() - (n == layer) for n, f in enumerate(family))
        why = "no weight is left at it" if alone else "no path leads from it to an output"
        return f"{name} – inactive: {why}, so " + (
            "the network does not see it." if layer == 0 else "nothing it computes matters."
        )
    if state == ACTIVE:
        hears = "" if layer == 0 else f"{before} reach{'es' if family[0].sum() == 1 else ''} it"
        leads = "" if layer == last else f"it leads to {after}"
        return f"{name} – active: {' and '.join(filter(None, (hears, leads)))}{_fires(ticket, layer, unit, dataset)}."
    return f"{name} – zombie: no path from any input reaches it; {_constant(ticket, layer, unit, found, family, dataset)}."


def _name(ticket: Ticket, layer: int, unit: int) -> str:
    if 0 < layer < len(ticket.shape) - 1:
        return f"neuron {unit + 1} of hidden layer {layer}"
    owners = [t.name for t in ticket.tasks if unit in (t.inputs if layer == 0 else t.outputs)]
    return f"{'x' if layer == 0 else 'y'}{unit + 1}" + (f" ({owners[0]})" if owners else "")


def _names(ticket: Ticket, layer: int, units: np.ndarray) -> str:
    """``x1 and x2 (circles)``; a count where they are many."""
    what, names = (
        "input" if layer == 0 else "output",
        [_name(ticket, layer % len(ticket.shape), u) for u in np.flatnonzero(units)],
    )
    if len(names) == len(units) > 1:
        return f"all {len(names)} {what}s"
    if len(names) > 4:
        return f"{len(names)} {what}s"
    for before, after in pairwise(
        range(len(names))
    ):  # the owner is said once, after the last of its own
        if names[before].partition(" ")[2] == names[after].partition(" ")[2]:
            names[before] = names[before].partition(" ")[0]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _examples(ticket: Ticket, dataset: Dataset | None) -> tuple[np.ndarray, str]:
    if dataset is not None:
        part = dataset.x_test[:1000]
        return part, "the test half" if len(part) == len(
            dataset.x_test
        ) else "1000 points of the test half"
    return np.random.default_rng(0).standard_normal(
        (1000, ticket.shape[0]), dtype=np.float32
    ), "1000 random points"


def _fires(ticket: Ticket, layer: int, unit: int, dataset: Dataset | None) -> str:
    if ticket.trained is None or not 0 < layer < len(ticket.shape) - 1:
        return ""
    x, where = _examples(ticket, dataset)
    share = (forward(ticket, x)[layer][:, unit] > 0).mean()
    return f"; it fires for {share:.1%} of {where}" if share else f"; it never fires on {where}"


def _constant(ticket, layer, unit, found, family, dataset) -> str:
    """What a unit that no input reaches gives out, and what that does to the outputs."""
    if ticket.trained is None:
        return "what it gives out is not known, trained values of this level were not kept"
    if layer == len(ticket.shape) - 1:
        return f"it is {forward(ticket, np.zeros((1, ticket.shape[0]), np.float32))[-1][0, unit]:.3g} whatever the input"
    x, where = _examples(ticket, dataset)
    values, silenced = forward(ticket, x), forward(ticket, x, without=(layer, unit))[-1]
    gives = float(values[layer][0, unit])
    if gives == 0:
        return f"it gives out 0 and adds nothing to {_names(ticket, -1, found.leads[layer][unit])}"
    effects = []
    for output in np.flatnonzero(found.leads[layer][unit]):
        # the way there is a constant, too, unless it leads through a neuron that hears an input
        bends = any(
            (family[n] & found.leads[n][:, output] & (found.states[n] == ACTIVE)).any()
            for n in range(layer + 1, len(ticket.shape) - 1)
        )
        change, to = (
            values[-1][:, output] - silenced[:, output],
            _name(ticket, len(ticket.shape) - 1, output),
        )
        if bends:
            effects.append(
                f"shifts {to} by {change.min():.3g} to {change.max():.3g}, depending on the input ({where})"
            )
        else:
            effects.append(f"adds a constant {change[0]:.3g} to {to}")
    return f"it gives out {gives:.3g} and {' and '.join(effects)}"

"""Figures of notebook 01: two tasks, one network, two tickets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.data import Dataset, Task
from lth_utils.data.tasks import index
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values
from lth_utils.plots.decision_regions import (
    chances,
    region_artists,
    region_extent,
    tasks_with_regions,
)
from lth_utils.plots.marks import labelled_points
from lth_utils.plots.network import draw_network, legend_handles
from lth_utils.plots.network_layout import common_order
from lth_utils.plots.network_marks import subnetwork_colours, task_colour, weights_in
from lth_utils.plots.style import TASK_COLOURS, blank, panels, styled


@styled
def data(dataset: Dataset) -> Figure:
    """The training points of each task with two inputs, coloured by labels of its own or not.

    Args:
        dataset: of which at least one task has two inputs.

    Returns:
        A figure with one column per task: its own labels above, and below those of another task,
        in which there is no pattern.

    Raises:
        SpecError: no task has two inputs.
    """
    shown = [k for k, t in enumerate(dataset.tasks) if len(t.inputs) == 2]
    if not shown:
        raise SpecError("the figure data needs tasks with two inputs each; use samples for images")
    figure, axes = panels(2, len(shown), (5.2 * len(shown), 9.4))
    for column, k in zip(axes.T, shown, strict=True):
        task = dataset.tasks[k]
        x = dataset.x_train[:, index(task.inputs)]
        for ax, owner in zip(column, (k, (k + 1) % len(dataset.tasks)), strict=True):
            labels = dataset.y_train[:, owner]
            labelled_points(ax, x, labels, TASK_COLOURS[owner], size=16)
            title = f"{task.name}, coloured by the labels of {dataset.tasks[owner].name}"
            ax.set(title=title, aspect="equal")
            _input_labels(ax, task)
    figure.suptitle(f"{len(dataset.x_train)} training examples")
    return figure


def _input_labels(ax: Axes, task: Task):
    """The axes of a task with two inputs."""
    first, second = task.inputs
    ax.set_xlabel(f"input x{first + 1} (standardised)")
    ax.set_ylabel(f"input x{second + 1} (standardised)")


@styled
def parameter_states() -> Figure:
    """A small network that has all states of weights: the definitions in one picture."""
    # x1, x2 -> y1 is active; hidden unit 2 leads nowhere; no input reaches hidden unit 3
    masks = [
        torch.tensor([[[1, 1], [0, 1], [0, 0]]], dtype=torch.bool),
        torch.tensor([[[1, 0, 0], [0, 0, 1], [0, 1, 0]]], dtype=torch.bool),
        torch.tensor([[[1, 1, 0]]], dtype=torch.bool),
    ]
    shape = (2, 3, 3, 1)
    biases = torch.zeros(sum(shape[1:]))
    values = torch.cat([*(mask.flatten().float() for mask in masks), biases]).numpy()
    tasks = (Task("task", range(0, 2), range(0, 1)),)
    ticket = Ticket(shape, masks, values, trained=None, tasks=tasks, seed=0, level=0)
    figure, axes = panels(1, 1, (8, 4.6))
    ax = draw_network(axes[0, 0], ticket)
    handles = legend_handles("state", tasks)
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
    ax.set_title(
        "active: on a path from an input to an output\ninactive: leads to no output\n"
        "zombie: leads to an output, but no input reaches it"
    )
    return figure


@styled
def dense_network(ticket: Ticket) -> Figure:
    """The network before the first pruning; ticket: a run's at level 0."""
    figure, axes = panels(1, 1, (9, 6))
    ax = draw_network(axes[0, 0], ticket)
    shape = "-".join(map(str, ticket.shape))
    ax.set_title(f"dense network {shape}: {_available(ticket)} weights, seed {ticket.seed}")
    return figure


def _available(ticket: Ticket) -> int:
    """Number of weights that are left."""
    return int(sum(m.sum() for m in ticket.masks))


@styled
def imp_levels(
    tickets: Sequence[Ticket],
    colour_by: str = "state",
    order: Sequence[np.ndarray] | None = None,
) -> Figure:
    """The same network at several pruning levels, each unit at the same place in its layer's order.

    Args:
        tickets: a run's, level 0 first.
        colour_by: ``state``, ``subnetwork`` or ``task``, as in :func:`draw_network`.
        order: of the units, from ``common_order`` of more levels than are drawn; computed from
            these tickets where it is not given.
    """
    columns = min(3, len(tickets))
    rows = -(-len(tickets) // columns)
    figure, axes = panels(rows, columns, (6 * columns, 4.4 * rows + 0.5))
    structures = [connectivity.structure(t.masks, t.tasks) for t in tickets]
    if order is None:
        order = common_order(tickets, structures)
    for ax in axes.flat[len(tickets) :]:
        ax.set_axis_off()
    for ax, ticket, found in zip(axes.flat, tickets, structures, strict=False):
        draw_network(ax, ticket, colour_by, found=found, order=order)
        ax.set_title(f"level {ticket.level}: {_available(ticket)} weights, {found.status}")
    if colour_by == "state":
        handles = legend_handles(colour_by, tickets[0].tasks)
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def independent_tickets(ticket: Ticket, dataset: Dataset) -> Figure:
    """The ticket's active weights, one colour per subnetwork, beside its decision regions.

    Inputs of other tasks are held at their mean, zero; for a separated ticket they change nothing.

    Args:
        ticket: a dense network whose trained values were kept.
        dataset: the one it was trained on.
    """
    chosen = tasks_with_regions(ticket.tasks)
    rows = max(2, len(chosen))
    figure = blank((14.5, 3.9 * rows))
    grid = figure.add_gridspec(rows, 2, width_ratios=(2.2, 1))
    ax = figure.add_subplot(grid[:, 0])
    found = connectivity.structure(ticket.masks, ticket.tasks)
    draw_network(ax, ticket, "subnetwork", states=("active",), found=found)
    shape, n = "-".join(map(str, ticket.shape)), len(found.coverage)
    active = sum(m.sum() for m in weights_in(ticket, found, ("active",)))
    ax.set_title(
        f"{shape}, seed {ticket.seed}, level {ticket.level}: {found.status}\n"
        f"{active} active of {_available(ticket)} available weights "
        f"in {n} subnetwork{'' if n == 1 else 's'}"
    )
    handles = []
    for j, colour in enumerate(subnetwork_colours(found, ticket.tasks)):
        served = [ticket.tasks[k].name for k in np.flatnonzero(found.coverage[j] > 0)]
        label = f"subnetwork {j + 1} serves {' and '.join(served) or 'no task'}"
        handles.append(Line2D([], [], color=colour, lw=4, label=label))
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
    for row, k in enumerate(chosen):
        _decision_region(figure.add_subplot(grid[row, 1]), ticket, dataset, k)
    return figure


def _decision_region(ax: Axes, ticket: Ticket, dataset: Dataset, k: int):
    """Where a ticket's output for task k says 1, with the test points and the accuracy on them."""
    task, colour = ticket.tasks[k], task_colour(k)
    points = dataset.x_test[:, index(task.inputs)]
    extent = region_extent(points)
    ax.set(xlim=extent[:2], ylim=extent[2:])
    (chance,) = chances(ticket, [k], [extent], grid=200)
    region_artists(ax, colour, chance, extent)
    labelled_points(ax, points, dataset.y_test[:, k], colour, size=9)
    says_one = unit_values(ticket, dataset.x_test)[-1][:, task.outputs[0]] > 0
    correct = (says_one == dataset.y_test[:, k]).mean()
    ax.set_title(f"{task.name}: accuracy {correct:.1%} on the test split")
    _input_labels(ax, task)

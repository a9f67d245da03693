"""Figures of notebook 01: two tasks, one network, two tickets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.data import Dataset, Task
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.marks import labelled_points
from lth_utils.plots.network import draw_network, n_available, state_legend, subnetwork_colours
from lth_utils.plots.style import TASK_COLOURS, panels, styled, tint


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
        x = dataset.x_train[:, task.inputs.start : task.inputs.stop]
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
    first = task.inputs.start + 1
    ax.set_xlabel(f"input x{first} (standardised)")
    ax.set_ylabel(f"input x{first + 1} (standardised)")


@styled
def parameter_states() -> Figure:
    """A small network that has all states of weights: the definitions in one picture."""
    # x1, x2 -> y1 is alive; hidden unit 2 leads nowhere; no input reaches hidden unit 3
    first = torch.tensor([[[1, 1], [0, 1], [0, 0]]], dtype=torch.bool)
    second = torch.tensor([[[1, 0, 0], [0, 0, 1], [0, 1, 0]]], dtype=torch.bool)
    third = torch.tensor([[[1, 1, 0]]], dtype=torch.bool)
    sizes = [m.numel() for m in (first, second, third)]
    ticket = Ticket(
        (2, 3, 3, 1),
        [first, second, third],
        np.ones(sum(sizes) + 7, np.float32),
        None,
        (Task("task", range(0, 2), range(0, 1)),),
        0,
        0,
    )
    figure, axes = panels(1, 1, (8, 4.6))
    ax = draw_network(axes[0, 0], ticket, states=("active", "inactive", "zombie"))
    state_legend(
        ax, ("active", "inactive", "zombie"), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3
    )
    ax.set_title(
        "active: on a path from an input to an output\ninactive: leads to no output\n"
        "zombie: leads to an output, but no input reaches it"
    )
    return figure


@styled
def dense_network(ticket: Ticket) -> Figure:
    """The network before the first pruning."""
    figure, axes = panels(1, 1, (9, 6))
    ax = draw_network(axes[0, 0], ticket)
    ax.set_title(
        f"dense network {'-'.join(map(str, ticket.shape))}: {n_available(ticket)} weights, seed {ticket.seed}"
    )
    return figure


@styled
def imp_levels(tickets: Sequence[Ticket], colour_by: str = "state") -> Figure:
    """The same network at several pruning levels, weights coloured by state (or, see :func:`network`, by task)."""
    columns = min(3, len(tickets))
    rows = -(-len(tickets) // columns)
    figure, axes = panels(rows, columns, (6 * columns, 4.4 * rows + 0.5))
    for ax in axes.flat[len(tickets) :]:
        ax.set_axis_off()
    for ax, ticket in zip(axes.flat, tickets, strict=False):
        draw_network(ax, ticket, colour_by)
        word = connectivity.status(ticket.masks, ticket.tasks)[0]
        ax.set_title(f"level {ticket.level}: {n_available(ticket)} weights, {word}")
    if colour_by == "state":
        state_legend(figure, ("active", "inactive", "zombie"), loc="outside lower center", ncols=3)
    return figure


@styled
def independent_tickets(ticket: Ticket, dataset: Dataset) -> Figure:
    """The ticket's active weights, one colour per subnetwork, beside the decision regions each task's output learned.

    Inputs of other tasks are held at their mean, zero; for a separated ticket they change nothing.
    """
    flat = [k for k, t in enumerate(ticket.tasks) if len(t.inputs) == 2 and len(t.outputs) == 1]
    figure = plt.figure(figsize=(14.5, 3.9 * max(2, len(flat))), layout="constrained")
    grid = figure.add_gridspec(max(2, len(flat)), 2, width_ratios=(2.2, 1))
    ax, panels = (
        figure.add_subplot(grid[:, 0]),
        [figure.add_subplot(grid[n, 1]) for n in range(len(flat))],
    )
    draw_network(ax, ticket, colour_by="task", states=("active",))
    found = connectivity.measure(ticket.masks, ticket.tasks)[0]
    plural = "" if found.subnetworks == 1 else "s"
    ax.set_title(
        f"{'-'.join(map(str, ticket.shape))}, seed {ticket.seed}, level {ticket.level}: {found.status}\n"
        f"{found.active} active of {found.available} available weights in {found.subnetworks} subnetwork{plural}"
    )
    colours = subnetwork_colours(ticket)
    handles = []
    for j, covers in enumerate(found.coverage):
        served = [ticket.tasks[k].name for k in np.flatnonzero(covers > 0)]
        handles.append(
            Line2D(
                [],
                [],
                color=colours[j],
                lw=4,
                label=f"subnetwork {j + 1} serves {' and '.join(served) or 'no task'}",
            )
        )
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
    for panel, k in zip(panels, flat, strict=True):
        _decision_regions(panel, ticket, dataset, k)
    return figure


def _decision_regions(ax: Axes, ticket: Ticket, dataset: Dataset, k: int, resolution: int = 200):
    """Where a ticket's output for task k says 1, with the test points and the accuracy on them."""
    task, colour = ticket.tasks[k], TASK_COLOURS[k]
    columns = slice(task.inputs.start, task.inputs.stop)
    points = dataset.x_test[:, columns]
    ends = np.stack([points.min(axis=0) - 0.3, points.max(axis=0) + 0.3]).astype(np.float32)
    xx, yy = np.meshgrid(*np.linspace(*ends, resolution).T)
    inputs = torch.zeros(xx.size, ticket.shape[0])
    inputs[:, columns] = torch.from_numpy(np.stack([xx.ravel(), yy.ravel()], 1))
    with torch.no_grad():
        model = ticket.model()
        output = task.outputs.start
        chance = model(inputs)[:, output].sigmoid().numpy().reshape(xx.shape)
        says_one = model(torch.from_numpy(dataset.x_test))[:, output].numpy() > 0
    correct = (says_one == dataset.y_test[:, k]).mean()
    shades = sns.blend_palette([tint(colour, 0.42), "white", tint(colour, 0.12)], as_cmap=True)
    extent = (*ends[:, 0], *ends[:, 1])
    grid = {"origin": "lower", "aspect": "auto", "vmin": 0, "vmax": 1}
    ax.imshow(chance, extent=extent, cmap=shades, **grid)
    ax.contour(xx, yy, chance, levels=[0.5], colors=colour, linewidths=2)
    labelled_points(ax, points, dataset.y_test[:, k], colour, size=9)
    ax.set_title(f"{task.name}: accuracy {correct:.1%} on the test split")
    _input_labels(ax, task)

"""Tidy tables or tickets in, matplotlib figures out; one function per figure, named after its key.

Tables are drawn in ``_charts``, images in ``_image_plots``, trials compared in ``_trial_plots``, tickets and points here; the palette is that
of ``_style``.
"""
from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils._charts import (
    active_share,
    how_many_levels,
    inactive_zombie,
    layer_separation,
    outcomes,
    performance,
    performance_poster,
    size_or_levels,
    split_count,
    trajectory,
    twenty_levels,
    weights_at_separation,
    which_layer_is_lost,
)
from lth_utils._image_plots import (
    accuracy,
    frontier,
    input_connectivity,
    pixel_correlation,
    pixel_statistics,
    samples,
    separation_cost,
    task_accuracy,
)
from lth_utils._style import STATE_COLOURS, STATUS_COLOURS, STYLE, TASK_COLOURS, TRIAL_COLOURS, panels, styled, tint
from lth_utils._trial_plots import (
    one_shot_or_iterative,
    one_shot_separation,
    rounds_to_target,
    summary,
    training_curves,
    weight_histograms,
)
from lth_utils.config import SpecError, choose
from lth_utils.connectivity import STATE_NAMES
from lth_utils.data import Dataset, Task
from lth_utils.population import Ticket

__all__ = [
    "STATE_COLOURS", "STATUS_COLOURS", "STYLE", "TASK_COLOURS", "TRIAL_COLOURS", "accuracy", "active_share", "data", "dense_network", "frontier",
    "how_many_levels", "imp_levels", "inactive_zombie", "independent_tickets", "input_connectivity", "layer_separation", "network",
    "one_shot_or_iterative", "one_shot_separation", "outcomes", "parameter_states", "performance", "performance_poster", "pixel_correlation",
    "pixel_statistics", "rounds_to_target", "samples", "separation_cost", "size_or_levels", "split_count", "summary", "task_accuracy",
    "training_curves", "trajectory", "twenty_levels", "weight_histograms", "weights_at_separation", "which_layer_is_lost",
]

MAX_EDGES = 4000
"""A drawing thins out to this many weights, the largest first, and says so."""

# ---------------------------------------------------------------------- data
@styled
def data(dataset: Dataset) -> Figure:
    """Each two-input task's training points with its own labels (top) and with the other task's (bottom: no pattern)."""
    shown = [k for k, t in enumerate(dataset.tasks) if len(t.inputs) == 2]
    if not shown:
        raise SpecError("the figure data needs tasks with two inputs each; use samples for images")
    figure, axes = panels(2, len(shown), (5.2 * len(shown), 9.4))
    for column, k in enumerate(shown):
        task = dataset.tasks[k]
        x = dataset.x_train[:, task.inputs.start : task.inputs.stop]
        for row, owner in enumerate((k, (k + 1) % len(dataset.tasks))):
            ax, name = axes[row, column], dataset.tasks[owner].name
            _points(ax, x, dataset.y_train[:, owner], TASK_COLOURS[owner], size=14)
            ax.set(title=f"{task.name}, coloured by the labels of {name}", aspect="equal",
                   xlabel=f"input x{task.inputs.start + 1} (standardised)", ylabel=f"input x{task.inputs.start + 2} (standardised)")
    return figure


def _points(ax: Axes, x: np.ndarray, labels: np.ndarray, colour: str, size: float):
    for label, (marker, share) in enumerate((("o", 1.0), ("^", 0.45))):
        these = labels == label
        ax.scatter(*x[these].T, s=size, marker=marker, color=tint(colour, share), linewidths=0, label=f"class {label}")
    ax.legend(loc="upper right", handletextpad=0.1, borderpad=0.2, markerscale=1.6, fontsize=11,
              frameon=True, framealpha=0.85, edgecolor="none")


# ---------------------------------------------------------------------- networks
def _positions(ticket: Ticket, labels: list[np.ndarray], shown: list[np.ndarray]) -> list[np.ndarray]:
    """Vertical place of each unit, NaN where not shown: subnetworks apart, then by the mean place of the neighbours."""
    masks = [m[0].numpy() for m in ticket.masks]
    places = [np.linspace(0, 1, len(u)) if len(u) > 1 else np.array([0.5]) for u in shown]
    for _ in range(4):
        for layer in range(1, len(places) - 1):
            before, after = masks[layer - 1], masks[layer]
            near = before @ places[layer - 1] + after.T @ places[layer + 1]
            near = near / np.maximum(before.sum(1) + after.sum(0), 1)
            group = np.where(labels[layer] < 0, labels[layer].max(initial=0) + 1, labels[layer])
            order = np.lexsort((near, group, ~shown[layer]))
            places[layer][order] = (np.arange(len(order)) + 0.5) / max(1, shown[layer].sum())
    return [np.where(s, 1 - p, np.nan) for p, s in zip(places, shown, strict=True)]


def network(ax: Axes, ticket: Ticket, colour_by: str = "state", states: Sequence[str] = ("active", "inactive", "zombie"),
            labels: bool = True) -> Axes:
    """Draw one network, layers from left to right, width of a line by |weight|.

    colour_by: ``state``, or ``task``: each subnetwork in the colour of the task it serves, those
    that serve several (or none) in grey.  states: which weights to draw.  Units without any
    available weight are left out, as are weights beyond ``MAX_EDGES``, smallest first; the axis
    says how many.
    """
    choose(colour_by, ("state", "task"), "colour_by")
    of_weight = [s[0].numpy() for s in connectivity.weight_states(ticket.masks)]
    of_unit = [s[0].numpy() for s in connectivity.unit_states(ticket.masks)]
    component = [c[0].numpy() for c in connectivity.components(ticket.masks)]
    colours = _subnetwork_colours(ticket)
    drawn = [np.isin(s, [STATE_NAMES.index(n) for n in states]) for s in of_weight]
    touched = [d.any(0) for d in drawn] + [None]
    shown = [np.ones(len(of_unit[0]), bool)]
    shown += [drawn[n].any(1) | touched[n + 1] for n in range(len(drawn) - 1)] + [np.ones(len(of_unit[-1]), bool)]
    places = _positions(ticket, component, shown)

    segments, edge_colours, strength = [], [], []
    for layer, (draw, weights) in enumerate(zip(drawn, ticket.weights, strict=True)):
        size = weights[0].abs().numpy()
        top = size[draw].max(initial=1e-12)
        for j, i in np.argwhere(draw):
            segments.append(((layer, places[layer][i]), (layer + 1, places[layer + 1][j])))
            strength.append(size[j, i] / top)
            name = STATE_NAMES[of_weight[layer][j, i]]
            of_task = colours[component[layer][i]] if name == "active" else STATE_COLOURS["pruned"]
            edge_colours.append(STATE_COLOURS[name] if colour_by == "state" else of_task)
    strength = np.array(strength)
    order = np.argsort(-strength)[:MAX_EDGES][::-1]
    crowd = min(1.0, 150 / max(1, len(order)))
    widths = (0.5 + 2.5 * strength[order]) * (0.35 + 0.65 * crowd) if len(order) else []
    ax.add_collection(LineCollection([segments[n] for n in order], linewidths=widths, colors=[edge_colours[n] for n in order],
                                     alpha=0.25 + 0.55 * crowd, rasterized=len(order) > 1000, zorder=1))
    for layer, (place, state) in enumerate(zip(places, of_unit, strict=True)):
        seen = ~np.isnan(place)
        unit_colours = ([STATE_COLOURS[STATE_NAMES[s]] for s in state[seen]] if colour_by == "state"
                        else [colours[c] for c in component[layer][seen]])
        ax.scatter(np.full(seen.sum(), layer), place[seen], s=18 if seen.sum() > 30 else 60, c=unit_colours,
                   edgecolors="white", linewidths=0.8, zorder=2)
    _end_labels(ax, ticket, places, labels)
    hidden = len(segments) - len(order)
    ax.set(xlim=(-0.55, len(places) - 0.45), ylim=(-0.05, 1.05))
    ax.set_axis_off()
    if hidden:
        ax.text(0.5, -0.02, f"the {len(order)} largest of {len(segments)} weights are drawn", transform=ax.transAxes, ha="center", va="top")
    return ax


def _end_labels(ax: Axes, ticket: Ticket, places: list[np.ndarray], labels: bool):
    if not labels or max(len(places[0]), len(places[-1])) > 24:
        return
    for task in ticket.tasks:
        for i in task.inputs:
            ax.text(-0.08, places[0][i], f"x{i + 1}", ha="right", va="center")
        for o in task.outputs:
            ax.text(len(places) - 1 + 0.08, places[-1][o], f"y{o + 1} {task.name}", ha="left", va="center")


def _subnetwork_colours(ticket: Ticket) -> dict[int, str]:
    """The task's colour for each subnetwork that serves exactly one, grey for the others and for -1 (none)."""
    colours = {-1: STATE_COLOURS["pruned"]}
    for j, covers in enumerate(connectivity.coverage(ticket.masks, ticket.tasks)[0]):
        served = np.flatnonzero(covers > 0)
        colours[j] = TASK_COLOURS[served[0]] if len(served) == 1 else "#777777"
    return colours


def _state_legend(figure_or_axes, names: Sequence[str], **options):
    handles = [Line2D([], [], color=STATE_COLOURS[n], lw=3, marker="o", ms=8, mec="white", label=n) for n in names]
    figure_or_axes.legend(handles=handles, **options)


@styled
def parameter_states() -> Figure:
    """A small network that has all states of weights: the definitions in one picture."""
    # x1, x2 -> y1 is alive; hidden unit 2 leads nowhere; hidden unit 3 hears nothing
    first = torch.tensor([[[1, 1], [0, 1], [0, 0]]], dtype=torch.bool)
    second = torch.tensor([[[1, 0, 0], [0, 0, 1], [0, 1, 0]]], dtype=torch.bool)
    third = torch.tensor([[[1, 1, 0]]], dtype=torch.bool)
    sizes = [m.numel() for m in (first, second, third)]
    ticket = Ticket((2, 3, 3, 1), [first, second, third], np.ones(sum(sizes) + 7, np.float32), None,
                    (Task("task", range(0, 2), range(0, 1)),), 0, 0)
    figure, axes = panels(1, 1, (8, 4.6))
    ax = network(axes[0, 0], ticket, states=("active", "inactive", "zombie"))
    _state_legend(ax, ("active", "inactive", "zombie"), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
    ax.set_title("active: on a path from an input to an output\ninactive: leads to no output\n"
                 "zombie: leads to an output, but no input reaches it")
    return figure


@styled
def dense_network(ticket: Ticket) -> Figure:
    """The network before the first pruning."""
    figure, axes = panels(1, 1, (9, 6))
    ax = network(axes[0, 0], ticket)
    ax.set_title(f"dense network {'-'.join(map(str, ticket.shape))}: {_count(ticket)} weights, seed {ticket.seed}")
    return figure


def _count(ticket: Ticket) -> int:
    return int(sum(m.sum() for m in ticket.masks))


@styled
def imp_levels(tickets: Sequence[Ticket], colour_by: str = "state") -> Figure:
    """The same network at several pruning levels, weights coloured by state (or, see :func:`network`, by task)."""
    columns = min(3, len(tickets))
    rows = -(-len(tickets) // columns)
    figure, axes = panels(rows, columns, (6 * columns, 4.4 * rows + 0.5))
    for ax in axes.flat[len(tickets):]:
        ax.set_axis_off()
    for ax, ticket in zip(axes.flat, tickets, strict=False):
        network(ax, ticket, colour_by)
        word = connectivity.status(ticket.masks, ticket.tasks)[0]
        ax.set_title(f"level {ticket.level}: {_count(ticket)} weights, {word}")
    if colour_by == "state":
        _state_legend(figure, ("active", "inactive", "zombie"), loc="outside lower center", ncols=3)
    return figure


@styled
def independent_tickets(ticket: Ticket, dataset: Dataset) -> Figure:
    """The ticket's active weights, one colour per subnetwork, beside the decision regions each task's output learned.

    Inputs of other tasks are held at their mean, zero; for a separated ticket they change nothing.
    """
    flat = [k for k, t in enumerate(ticket.tasks) if len(t.inputs) == 2 and len(t.outputs) == 1]
    figure = plt.figure(figsize=(14.5, 3.9 * max(2, len(flat))), layout="constrained")
    grid = figure.add_gridspec(max(2, len(flat)), 2, width_ratios=(2.2, 1))
    ax, panels = figure.add_subplot(grid[:, 0]), [figure.add_subplot(grid[n, 1]) for n in range(len(flat))]
    network(ax, ticket, colour_by="task", states=("active",))
    found = connectivity.measure(ticket.masks, ticket.tasks)[0]
    plural = "" if found.subnetworks == 1 else "s"
    ax.set_title(f"{'-'.join(map(str, ticket.shape))}, seed {ticket.seed}, level {ticket.level}: {found.status}\n"
                 f"{found.active} active of {found.available} available weights in {found.subnetworks} subnetwork{plural}")
    colours = _subnetwork_colours(ticket)
    handles = []
    for j, covers in enumerate(found.coverage):
        served = [ticket.tasks[k].name for k in np.flatnonzero(covers > 0)]
        handles.append(Line2D([], [], color=colours[j], lw=4, label=f"subnetwork {j + 1} serves {' and '.join(served) or 'no task'}"))
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
    for panel, k in zip(panels, flat, strict=True):
        _decision_regions(panel, ticket, dataset, k)
    return figure


def _decision_regions(ax: Axes, ticket: Ticket, dataset: Dataset, k: int, resolution: int = 200):
    task, colour = ticket.tasks[k], TASK_COLOURS[k]
    columns = slice(task.inputs.start, task.inputs.stop)
    points = dataset.x_test[:, columns]
    axis = [np.linspace(points[:, d].min() - 0.3, points[:, d].max() + 0.3, resolution, dtype=np.float32) for d in (0, 1)]
    xx, yy = np.meshgrid(*axis)
    inputs = torch.zeros(xx.size, ticket.shape[0])
    inputs[:, columns] = torch.from_numpy(np.stack([xx.ravel(), yy.ravel()], 1))
    with torch.no_grad():
        model = ticket.model()
        chance = model(inputs)[:, task.outputs.start].sigmoid().numpy().reshape(xx.shape)
        hits = ((model(torch.from_numpy(dataset.x_test))[:, task.outputs.start] > 0).numpy() == dataset.y_test[:, k]).mean()
    shades = mpl.colors.LinearSegmentedColormap.from_list("chance", [tint(colour, 0.42), "white", tint(colour, 0.12)])
    ax.imshow(chance, extent=(*axis[0][[0, -1]], *axis[1][[0, -1]]), origin="lower", cmap=shades, vmin=0, vmax=1, aspect="auto")
    ax.contour(xx, yy, chance, levels=[0.5], colors=colour, linewidths=2)
    _points(ax, points, dataset.y_test[:, k], colour, size=7)
    ax.set(title=f"{task.name}: accuracy {hits:.1%} on the test half",
           xlabel=f"input x{task.inputs.start + 1} (standardised)", ylabel=f"input x{task.inputs.start + 2}")

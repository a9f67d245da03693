"""The view without a browser: a figure for notebooks that are executed, and what it shows."""

from __future__ import annotations

import base64
import html
import io

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lth_utils import connectivity
from lth_utils.explorer.view import View
from lth_utils.plots import decision_regions
from lth_utils.plots.network import draw_network, legend_handles
from lth_utils.plots.network_layout import order_units
from lth_utils.plots.network_marks import task_colour
from lth_utils.plots.style import STATUS_COLOURS, STYLE
from lth_utils.runs.store import Store
from lth_utils.viewer.page import page
from lth_utils.viewer.run import Run, open_run
from lth_utils.viewer.words import level_in_words

COUNTS = ("level", "available", "active", "inactive", "zombie", "subnetworks")

SIZE = (12.5, 5.6)
"""Of the figure, inches."""


def picture(source: Store, run: str, level: int | None = None, colours: str = "state") -> Figure:
    """One run at one level as a figure.

    Args:
        source: the run's store.
        run: its id.
        level: without it, where the network first separated, else the last one not degraded.
        colours: ``state``, ``subnetwork`` or ``task``.
    """
    opened = open_run(source, run)
    return draw(opened, opened.chosen() if level is None else level, colours)


def facts(source: Store, run: str, level: int | None = None) -> dict:
    """What :func:`picture` shows, as plain values."""
    opened = open_run(source, run)
    row = opened.chosen() if level is None else level
    numbers = opened.rows.iloc[row]
    return {
        "run": run,
        "status": str(numbers["status"]),
        **{name: int(numbers[name]) for name in COUNTS},
        "words": level_in_words(opened, row),
    }


def draw(run: Run, row: int, colours: str = "state") -> Figure:
    """A run at a row: the network, and the decision regions of tasks that have one."""
    colours = "state" if colours == "difference" else colours  # from what is not beside it here
    ticket, status = run.ticket(row), str(run.rows["status"].iloc[row])
    shown = decision_regions.tasks_with_regions(run.tasks) if ticket.trained is not None else []
    with mpl.rc_context({**STYLE, "font.size": 11}):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subfigures(1, 2, width_ratios=[2, 1]) if shown else (figure, None)
        ax = left.subplots()
        found = connectivity.structure(ticket.masks, run.tasks, run.kind)
        order = order_units(run.lifetimes, found.subnetworks)
        draw_network(ax, ticket, colours, found=found, order=order)
        handles = legend_handles(colours, run.tasks)
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=6)
        level = run.rows["level"].iloc[row]
        ax.set_title(f"{run.title} · level {level}: {status}", color=STATUS_COLOURS[status])
        if shown:
            _regions(right, run, row, shown)
            lacking = [task.name for k, task in enumerate(run.tasks) if k not in shown]
            if lacking:
                names = " and ".join(lacking)
                figure.supxlabel(f"no region of {names}: only of two inputs and two classes")
    return figure


def _regions(part, run: Run, row: int, shown: list[int]):
    """Decision regions below each other, with the points of the test split."""
    ticket = run.ticket(row)
    axes = part.subplots(len(shown), 1, squeeze=False)[:, 0]
    for k, ax in zip(shown, axes, strict=True):
        inputs = list(run.tasks[k].inputs)
        extent = (-2.5, 2.5, -2.5, 2.5)
        if run.dataset is not None:
            points = run.dataset.x_test[:, inputs]
            extent = decision_regions.region_extent(points)
            labels = run.dataset.y_test[:, k]
            ax.scatter(*points[:250].T, s=5, c=labels[:250], cmap="gray_r", vmin=-1, vmax=1)
        (chance,) = decision_regions.chances(ticket, [k], [extent])
        decision_regions.region_artists(ax, task_colour(k), chance, extent)
        first, second = inputs
        ax.set(title=run.tasks[k].name, xlabel=f"x{first + 1}", ylabel=f"x{second + 1}")
        ax.set(xlim=extent[:2], ylim=extent[2:])


def png(view: View) -> str:
    """The last picture that the browser drew, else a figure, as PNG in few colours, in base64."""
    if view.picture.startswith("data:image/png;base64,"):
        content = io.BytesIO(base64.b64decode(view.picture.partition(",")[2]))
    else:
        content = io.BytesIO()
        figure = draw(view.current_run, view.row, view.colours)
        figure.savefig(content, format="png", dpi=80)
    small = io.BytesIO()
    picture = Image.open(content).convert("RGB")
    picture.thumbnail((1600, 1600))
    picture.quantize(64, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def bundle(view: View) -> dict:
    """The view for front ends without a kernel: alive where scripts are allowed, else a picture."""
    encoded = png(view)
    words = view.words or level_in_words(view.current_run, view.row)
    wanted = {view.run, view.compare_run} if view.compare else {view.run}
    packed = [run for run in view.runs if run["key"] in wanted]
    alive = html.escape(page(packed, "The last view", view.state(), address=False))
    alt = html.escape(words)
    # a page that shows no scripts' contents shows this; so does one that removes unsafe elements
    still = f'<img alt="{alt}" width="1000" src="data:image/png;base64,{encoded}">'
    return {
        "text/html": '<div class="lth-still"><iframe title="The last view" loading="lazy" '
        'style="width:100%;height:720px;border:0" sandbox="allow-scripts allow-downloads" '
        f'srcdoc="{alive}"></iframe><noscript>{still}</noscript></div>',
        "image/png": encoded,
        "text/plain": words,
    }

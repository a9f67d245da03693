"""Figures of two-task networks show what the masks and the tables say."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from lth_utils import connectivity, data, plots, pruning
from lth_utils.config import SpecError
from lth_utils.networks import layers, population
from lth_utils.networks.ticket import Ticket
from lth_utils.plots import network_marks
from lth_utils.publish import products
from lth_utils.studies import extension_sweep, outcomes
from lth_utils.studies.reference import reference, theirs_by_level

# one network


@pytest.fixture
def ticket():
    """A network of which a third of the weights is left, and its data."""
    shape, dataset = (4, 12, 12, 2), data.moons_circles(n_samples=50)
    members = population.init(shape, [0])
    weights = members.parameters[:, : members.mask.shape[1]]
    mask = pruning.prune(weights, members.mask, 60, shape=shape, seeds=[0], level=1)
    values = population.rewind(members, mask).parameters[0].numpy()
    ticket = Ticket(
        shape=shape,
        masks=layers.split_mask(mask, shape),
        initial=values,
        trained=values,
        tasks=dataset.tasks,
        seed=0,
        level=1,
    )
    return ticket, dataset


def lines_in(ax):
    """The number of lines of a drawn network."""
    return sum(len(c.matrices) for c in ax.collections if isinstance(c, network_marks.Lines))


@pytest.mark.parametrize("wanted", [("active",), ("active", "inactive", "zombie"), ("pruned",)])
def test_the_drawing_has_one_line_per_weight_of_the_states_asked_for(ticket, wanted):
    states = torch.cat([s.flatten() for s in connectivity.weight_states(ticket[0].masks)])
    figure = plt.figure()
    ax = plots.draw_network(figure.gca(), ticket[0], states=wanted)
    expected = sum(int((states == connectivity.STATE_NAMES.index(n)).sum()) for n in wanted)
    assert lines_in(ax) == expected
    plt.close(figure)


def test_a_crowded_drawing_is_thinned_and_says_so(ticket, monkeypatch):
    monkeypatch.setattr("lth_utils.plots.network_marks.MAX_EDGES", 10)
    ax = plots.dense_network(ticket[0]).axes[0]
    assert lines_in(ax) == 10
    assert any("10 of 60 weights are drawn, the largest" in t.get_text() for t in ax.texts)


def test_the_ticket_figure_names_what_each_subnetwork_serves(ticket):
    legend = plots.independent_tickets(*ticket).axes[0].get_legend()
    texts = " ".join(t.get_text() for t in legend.get_texts())
    assert "subnetwork 1 serves" in texts and ("circles" in texts or "no task" in texts)


def test_figures_are_saved_as_png_and_svg_that_say_where_they_come_from(
    ticket, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    png, svg = products.write_figure("smoke", "data", plots.data(ticket[1]), "made by a test")
    assert b"made by a test" in png.read_bytes() and png.read_bytes().startswith(b"\x89PNG")
    assert b"made by a test" in svg.read_bytes() and b"torch" in svg.read_bytes()


def test_image_tasks_have_no_scatter():
    inputs, labels = np.zeros((2, 3), np.float32), np.zeros((2, 1), int)
    tasks = (data.Task("a", range(3), range(1)),)
    with pytest.raises(SpecError, match="two inputs each"):
        plots.data(data.Dataset(inputs, labels, inputs, labels, tasks))


# many runs


@pytest.fixture(scope="module")
def sweep_tables():
    """Runs of a made-up two-layer family: at level e, e of 10 runs separate, one degrades later."""
    rows = []
    for extension in range(4):
        for seed in range(10):
            words = ["interconnected"]
            if seed < extension:
                words.append("separated")
            if seed == 0 and extension:
                words.append("degraded")
            for level, word in enumerate(words):
                row = {
                    "run": f"{extension}-{seed}",
                    "base": "4-8-8-2",
                    "prune.levels": extension,
                    "seed": seed,
                    "level": level,
                    "status": word,
                    "available": 1000 >> level,
                    "active": 900 >> level,
                    "inactive": 50,
                    "zombie": 5,
                    "loss": 0.01 / (level + 1),
                    "accuracy": 0.99,
                }
                rows.append(row)
    table = extension_sweep.readings(pd.DataFrame(rows))
    runs = outcomes.outcomes(table)
    return table, runs, outcomes.by_level(runs)


def stacks(ax):
    """Colour and height of the bars at each place."""
    found = {}
    for bar in ax.patches:
        if isinstance(bar, Rectangle) and bar.get_height() > 0:  # theirs are steps
            place = round(bar.get_x() + bar.get_width() / 2)
            found.setdefault(place, []).append((bar.get_facecolor()[:3], bar.get_height()))
    return found


def test_stacked_outcomes_show_the_shares_and_fill_the_axis(sweep_tables):
    _, _, levels = sweep_tables
    (ax,) = plots.outcomes(levels, theirs_by_level()).axes
    heights = stacks(ax)
    assert set(heights) == {0, 1, 2, 3}
    separated = to_rgb(plots.STATUS_COLOURS["separated"])
    for extension, found in heights.items():
        assert sum(h for _, h in found) == pytest.approx(1)
        green = sum(h for colour, h in found if colour == separated)
        assert green == pytest.approx(extension / 10)


def test_performance_draws_every_row_and_the_thesis_ranges():
    words = ["interconnected", "separated", "degraded"]
    table = pd.DataFrame({"active": [100, 90, 80], "loss": [0.01, 0.1, 0.2], "status": words})
    ax = plots.performance(table, reference("performance_clusters")).axes[0]
    assert sum(len(c.get_offsets()) for c in ax.collections) == 3
    assert len(ax.patches) >= 3


def test_a_legend_does_not_change_the_dots_of_a_large_table(sweep_tables):
    table, _, _ = sweep_tables
    large = pd.concat([table] * 20)
    (ax,) = plots.performance(large, reference("performance_clusters")).axes
    for dots in ax.collections:
        assert tuple(dots.get_sizes()) == (10,) and dots.get_alpha() < 1
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == len(large)


@pytest.mark.parametrize("empty", [False, True])
def test_every_chart_draws_few_runs_and_runs_that_never_separated(sweep_tables, empty):
    table, runs, levels = sweep_tables
    if empty:
        table = table[table["extension"] == 0]
        runs = runs[runs["extension"] == 0]
        levels = levels[levels["extension"] == 0]
    before = plt.get_fignums()
    for figure in (
        plots.split_count(levels, theirs_by_level()),
        plots.active_share(runs, reference("final_active_fraction_2layer")),
        plots.weights_at_separation(runs, reference("active_available_at_split")),
        plots.performance_poster(table, reference("poster_scatter")),
        plots.inactive_zombie(table, reference("inactive_zombie")),
        plots.trajectory(extension_sweep.trajectories(), reference("trajectory")),
        plots.how_many_levels(outcomes.by_level(runs, ("levels",)), runs),
        plots.twenty_levels(outcomes.by_level(runs.assign(width=8), ("width",))),
    ):
        figure.canvas.draw()
        shown = [ax for ax in figure.axes if ax.axison and ax.get_label() != "<colorbar>"]
        assert all(ax.get_xlabel() for ax in shown)
    assert plt.get_fignums() == before

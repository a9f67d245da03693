"""Figures: a palette that colour-blind readers can use, and pictures that show what the masks say."""

import itertools

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
from lth_utils.networks import ticket as ticket_module
from lth_utils.publish import products
from lth_utils.studies import extension_sweep, mnist_fashion, outcomes
from lth_utils.studies import reference as reference_studies

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
LAB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def as_lab(colour, matrix):
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = LAB @ seen / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    "colours",
    [
        plots.STATE_COLOURS.values(),
        plots.STATUS_COLOURS.values(),
        plots.TASK_COLOURS[:2],
        plots.TRIAL_COLOURS.values(),
    ],
    ids=["states", "statuses", "tasks", "trials"],
)
@pytest.mark.parametrize("deficiency", [*DEFICIENCIES, "none"])
def test_colours_of_one_figure_can_be_told_apart(colours, deficiency):
    matrix = DEFICIENCIES.get(deficiency, np.eye(3))
    for a, b in itertools.combinations(colours, 2):
        assert np.linalg.norm(as_lab(a, matrix) - as_lab(b, matrix)) > 10, (a, b)


def test_every_colour_has_one_meaning():
    used = [
        *plots.STATE_COLOURS.values(),
        *plots.STATUS_COLOURS.values(),
        *plots.TASK_COLOURS,
        *plots.TRIAL_COLOURS.values(),
    ]
    assert len(set(used)) == len(used)


@pytest.fixture
def ticket():
    shape, dataset = (4, 12, 12, 2), data.moons_circles(n_samples=50)
    members = population.init(shape, [0])
    mask = pruning.prune(
        members.parameters[:, : members.mask.shape[1]],
        members.mask,
        60,
        shape=shape,
        seeds=[0],
        level=1,
    )
    values = population.rewind(members, mask).parameters[0].numpy()
    return ticket_module.Ticket(
        shape, layers.split_mask(mask, shape), values, values, dataset.tasks, 0, 1
    ), dataset


def test_the_drawing_has_one_line_per_weight_of_the_states_asked_for(ticket):
    states = torch.cat([s.flatten() for s in connectivity.weight_states(ticket[0].masks)])
    for wanted in (("active",), ("active", "inactive", "zombie"), ("pruned",)):
        figure = plt.figure()
        ax = plots.draw_network(figure.gca(), ticket[0], states=wanted)
        expected = sum(int((states == connectivity.STATE_NAMES.index(n)).sum()) for n in wanted)
        assert len(ax.collections[0].get_segments()) == expected
        plt.close(figure)


def test_a_crowded_drawing_is_thinned_and_says_so(ticket, monkeypatch):
    monkeypatch.setattr("lth_utils.plots.network.MAX_EDGES", 10)
    ax = plots.dense_network(ticket[0]).axes[0]
    assert len(ax.collections[0].get_segments()) == 10
    assert any("the 10 largest of 60 weights are drawn" in t.get_text() for t in ax.texts)


def test_the_ticket_figure_names_what_each_subnetwork_serves(ticket):
    texts = " ".join(
        t.get_text() for t in plots.independent_tickets(*ticket).axes[0].get_legend().get_texts()
    )
    assert "subnetwork 1 serves" in texts and ("circles" in texts or "no task" in texts)


def test_performance_draws_every_row_and_the_thesis_ranges():
    table = pd.DataFrame(
        {
            "active": [100, 90, 80],
            "loss": [0.01, 0.1, 0.2],
            "status": ["interconnected", "separated", "degraded"],
        }
    )
    ax = plots.performance(table, reference_studies.reference("performance_clusters")).axes[0]
    assert sum(len(c.get_offsets()) for c in ax.collections) == 3
    assert len(ax.patches) >= 3


def test_figures_are_saved_as_png_and_svg_that_say_where_they_come_from(
    ticket, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    png, svg = products.write_figure("smoke", "data", plots.data(ticket[1]), "made by a test")
    assert b"made by a test" in png.read_bytes() and png.read_bytes().startswith(b"\x89PNG")
    assert b"made by a test" in svg.read_bytes() and b"torch" in svg.read_bytes()


def test_image_tasks_have_no_scatter(ticket):
    dataset = data.Dataset(
        np.zeros((2, 3), np.float32),
        np.zeros((2, 1), int),
        np.zeros((2, 3), np.float32),
        np.zeros((2, 1), int),
        (data.Task("a", range(3), range(1)),),
    )
    with pytest.raises(SpecError, match="two inputs each"):
        plots.data(dataset)


# ---------------------------------------------------------------------- charts


@pytest.fixture(scope="module")
def sweep_tables():
    """Runs of a made-up two-layer family: at level e, e of 10 runs separate, one of them degrades later."""
    rows = []
    for extension in range(4):
        for seed in range(10):
            words = [
                "interconnected",
                *(["separated"] if seed < extension else []),
                *(["degraded"] if seed == 0 and extension else []),
            ]
            rows += [
                {
                    "run": f"{extension}-{seed}",
                    "base": "4-8-8-2",
                    "prune.levels": extension,
                    "seed": seed,
                    "level": n,
                    "status": w,
                    "available": 1000 >> n,
                    "active": 900 >> n,
                    "inactive": 50,
                    "zombie": 5,
                    "loss": 0.01 / (n + 1),
                    "accuracy": 0.99,
                }
                for n, w in enumerate(words)
            ]
    table = extension_sweep.readings(pd.DataFrame(rows))
    runs = outcomes.outcomes(table)
    return table, runs, outcomes.by_level(runs)


def test_stacked_outcomes_show_the_shares_and_fill_the_axis(sweep_tables):
    _, _, levels = sweep_tables
    (ax,) = plots.outcomes(levels, reference_studies.theirs_by_level()).axes
    heights = {}
    for bar in ax.patches:
        if isinstance(bar, Rectangle) and bar.get_height() > 0:  # theirs are steps
            heights.setdefault(round(bar.get_x() + bar.get_width() / 2), []).append(
                (bar.get_facecolor()[:3], bar.get_height())
            )
    assert set(heights) == {0, 1, 2, 3}
    for extension, found in heights.items():
        assert sum(h for _, h in found) == pytest.approx(1)
        green = sum(h for colour, h in found if colour == to_rgb(plots.STATUS_COLOURS["separated"]))
        assert green == pytest.approx(extension / 10)


def test_a_legend_does_not_change_the_dots_of_a_large_table(sweep_tables):
    table, _, _ = sweep_tables
    (ax,) = plots.performance(
        pd.concat([table] * 20), reference_studies.reference("performance_clusters")
    ).axes
    assert {tuple(dots.get_sizes()) for dots in ax.collections} == {(10,)} and all(
        dots.get_alpha() < 1 for dots in ax.collections
    )
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == 20 * len(table)


def test_the_heat_map_says_ours_and_theirs():
    rows = [
        {
            "run": f"{w}-{n}-{s}",
            "width": w,
            "levels": n,
            "rate": 0.5,
            "active_end": 80,
            "available_end": 112,
            "outcome": "separated" if s < n else "interconnected",
        }
        for w in (31, 48)
        for n in (1, 2, 3)
        for s in range(5)
    ]
    figure = plots.size_or_levels(
        pd.DataFrame(rows),
        reference_studies.reference("separations_by_size_and_levels"),
        reference_studies.reference("grid_width48_active_weights"),
    )
    said = [t.get_text() for t in figure.axes[0].texts]
    assert said.count("1") == said.count("2") == said.count("3") == 2
    theirs = reference_studies.reference("separations_by_size_and_levels").set_index(
        ["hidden_width", "pruning_levels"]
    )
    assert f"({theirs.loc[(48, 3), 'n_separated']}/{theirs.loc[(48, 3), 'n_runs']})" in said


@pytest.mark.parametrize("empty", [False, True])
def test_every_chart_draws_few_runs_and_runs_that_never_separated(sweep_tables, empty):
    table, runs, levels = sweep_tables
    if empty:
        keep = levels["extension"] == 0
        table, runs, levels = (
            table[table["extension"] == 0],
            runs[runs["extension"] == 0],
            levels[keep],
        )
    reference = reference_studies.reference
    before = plt.get_fignums()
    for figure in (
        plots.split_count(levels, reference_studies.theirs_by_level()),
        plots.active_share(runs, reference("final_active_fraction_2layer")),
        plots.weights_at_separation(runs, reference("active_available_at_split")),
        plots.performance_poster(table, reference("poster_scatter")),
        plots.inactive_zombie(table, reference("inactive_zombie")),
        plots.trajectory(extension_sweep.trajectories(), reference("trajectory")),
        plots.how_many_levels(outcomes.by_level(runs, ("levels",)), runs),
        plots.twenty_levels(outcomes.by_level(runs.assign(width=8), ("width",))),
    ):
        figure.canvas.draw()
        assert all(
            ax.get_xlabel() or not ax.axison for ax in figure.axes if ax.get_label() != "<colorbar>"
        )
    assert plt.get_fignums() == before


# ---------------------------------------------------------------------- images


@pytest.fixture(scope="module")
def image_table():
    """Two ways with two runs each; the second way's first run separates above its dense network, its last never."""
    rows, ends = [], {("plain", 0): 0.85, ("plain", 1): 0.8, ("other", 0): 0.93, ("other", 1): None}
    for (variant, seed), end in ends.items():
        story = [
            ("interconnected", 0.9, 0.0),
            ("interconnected", 0.92, 0.5),
            *([("separated", end, 1.0)] if end else [("degraded", 0.2, 0.9)]),
        ]
        rows += [
            {
                "run": f"{variant}-{seed}",
                "base": "8-6-4-4",
                "variant": variant,
                "seed": seed,
                "level": n,
                "status": word,
                "accuracy": accuracy,
                "accuracy_mnist": accuracy,
                "available": 88 // 2**n,
                "active": 80 // 2**n,
                "decided": share,
                "decided_hidden": share,
                "train.loss": "mean",
            }
            for n, (word, accuracy, share) in enumerate(story)
        ]
    return pd.DataFrame(rows)


def stars(ax):
    return [
        line.get_xydata().tolist()
        for line in ax.lines
        if line.get_marker() == "*" and len(line.get_xydata())
    ]


def test_the_frontier_has_a_star_at_no_shared_unit_and_the_goal_above_the_dense_network(
    image_table,
):
    plain, other = plots.frontier(image_table).axes
    assert sorted(stars(plain)) == [[[0, 0.8]], [[0, 0.85]]] and stars(other) == [[[0, 0.93]]]
    for ax in (plain, other):
        (goal,) = ax.patches
        assert (
            goal.get_y() == pytest.approx(0.9)
            and goal.get_x() + goal.get_width() < 0 < goal.get_x()
        )
        left, right = ax.get_xlim()
        assert left > 1 and right < 0
    dots = np.concatenate([c.get_offsets() for c in other.collections])
    assert sorted(dots[:, 0].round(6)) == [0, 0.1, 0.5, 0.5, 1, 1]


def test_what_separation_costs_is_counted_from_the_same_run_before_pruning(image_table):
    (ax,) = plots.separation_cost(image_table, mnist_fashion.methods(image_table)).axes
    green = to_rgb(plots.STATUS_COLOURS["separated"])
    dots = {
        y: sorted(
            x
            for c in ax.collections
            if len(c.get_facecolor()) and tuple(c.get_facecolor()[0][:3]) == green
            for x, at in c.get_offsets()
            if at == y
        )
        for y in (0, 1)
    }
    assert dots == {0: pytest.approx([-10, -5]), 1: pytest.approx([3])}
    assert [t.get_text() for t in ax.texts] == ["2 of 2", "1 of 2"]


@pytest.mark.parametrize("draw", [plots.accuracy, plots.task_accuracy])
def test_the_thesis_is_drawn_beside_networks_of_its_size_only(image_table, draw):
    theirs = reference_studies.reference(
        "mnist_fashion" if draw is plots.accuracy else "mnist_fashion_taskwise"
    )

    def names(table):
        return [t.get_text() for t in draw(table, theirs).legends[0].get_texts()]

    assert not any("the thesis" in n for n in names(image_table))
    assert any(
        "the thesis" in n
        for n in names(
            image_table.assign(
                available=image_table["available"] * theirs["unpruned_weights"].max() // 88
            )
        )
    )


def test_pixels_are_drawn_where_they_are_with_the_thesis_counts_for_images_of_one_size():
    counts = np.arange(2 * 784)
    degrees = pd.concat(
        [
            pd.DataFrame(
                {
                    "network": "mnist_fashion",
                    "level": n,
                    "pixel": range(1568),
                    "available": 784 if n == 0 else counts,
                    "active": 784 if n == 0 else counts,
                }
            )
            for n in (0, 7)
        ]
    )
    figure = plots.input_connectivity(
        degrees, reference_studies.reference("input_connectivity"), (7, 9)
    )
    shown = figure.axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown[:28], counts[:784].reshape(28, 28))
    np.testing.assert_array_equal(shown[29:57], counts[784:].reshape(28, 28))
    assert (
        "1567 (1566) pixels" in figure.axes[0].get_title(loc="left")
        and "stopped" in figure.axes[1].texts[0].get_text()
    )
    small = degrees[degrees["pixel"] < 2 * 14 * 14]
    assert "(" not in plots.input_connectivity(
        small, reference_studies.reference("input_connectivity"), (7,)
    ).axes[0].get_title(loc="left")

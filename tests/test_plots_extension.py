"""The figures of notebook 03 show what the tables say, and their titles follow from it."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from lth_utils import plots
from lth_utils.plots.style import NULL_COLOUR
from lth_utils.studies import extension_sweep, outcomes, statistics
from lth_utils.studies.reference import reference


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
                    "data.seed": seed % 3,
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
    return table, runs, extension_sweep.shares_by_level(runs)


def structure_of(table):
    """The table of ``studies.nulls`` for runs: chance leaves half as many weights inactive."""
    parts = []
    for kind, factor in (("run", 1), ("counts", 0.5), ("degrees", 0.8)):
        rows = table.assign(kind=kind, draw=table["data.seed"], levels=table["prune.levels"])
        rows["inactive"] = factor * rows["inactive"]
        for layer in range(5):
            rows[f"decided_outputs_{layer}"] = np.minimum(1, factor * rows["level"] * layer / 4)
            rows[f"decided_inputs_{layer}"] = np.minimum(1, factor * rows["level"] / (layer + 1))
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def title(figure):
    """The finding, whatever its lines."""
    return " ".join(figure.get_suptitle().split())


def legend_of(figure):
    """All words of a figure's legends."""
    words = []
    for legend in figure.legends:
        words += [t.get_text() for t in (legend.get_title(), *legend.get_texts())]
    return " ".join(" ".join(words).split())


def lines_of(ax, colour):
    """The lines of a panel that have this colour."""
    return [line for line in ax.lines if to_rgb(line.get_color()) == to_rgb(colour)]


def hollow_dots(ax):
    """The places of the hollow black dots of a panel."""
    found = [np.empty((0, 2))]
    for dots in ax.collections:
        edges, faces = dots.get_edgecolor(), dots.get_facecolor()
        if not len(faces) and len(edges) and tuple(edges[0][:3]) == (0, 0, 0):
            found.append(dots.get_offsets())
    return np.concatenate(found)


def test_outcomes_are_curves_of_ours_with_theirs_hollow_beside_them(sweep_tables):
    _, _, shares = sweep_tables
    theirs = extension_sweep.their_shares()
    (ax,) = plots.outcomes(shares, theirs).axes
    separated, degraded = (
        lines_of(ax, plots.STATUS_COLOURS[word])[0].get_ydata()
        for word in ("separated", "degraded")
    )
    assert separated == pytest.approx([0, 0.1, 0.2, 0.3])
    assert degraded == pytest.approx([0, 0.1, 0.1, 0.1])
    black = [line for line in lines_of(ax, "black") if line.get_mfc() == "white"]
    assert [len(line.get_xdata()) for line in black] == [4, 4]  # levels that ours have
    ticks = [label.get_text().split("\n") for label in ax.get_xticklabels()]
    assert [tick[:2] for tick in ticks] == [[str(e), "10"] for e in range(4)]
    assert "none" in ax.get_title(loc="left")  # nowhere half of the runs


def test_the_titles_follow_the_data(sweep_tables):
    _, _, shares = sweep_tables
    theirs = extension_sweep.their_shares()
    assert "from extension level 1 on" in title(plots.split_count(shares, theirs))
    more = shares.assign(share=shares["share"].where(shares["extension"] < 3, 0.9))
    assert "at levels 3" in title(plots.split_count(more, theirs))
    none = shares.assign(share=0.0)
    assert "none of 40 networks" in title(plots.split_count(none, theirs))


def test_their_shares_have_intervals_as_wide_as_few_runs_make_them():
    theirs = extension_sweep.their_shares().set_index(["network", "extension"])
    row = theirs.loc[("2", 9)]
    assert row["share"] == 1 and row["share_low"] < 0.6 and row["share_high"] == 1
    assert (theirs["lost_low"] <= theirs["lost"]).all() and (theirs["draws"] == 1).all()


def test_the_share_that_degraded_is_counted_by_the_rule_of_the_share_that_separated(sweep_tables):
    _, runs, shares = sweep_tables
    swapped = {"separated": "degraded", "degraded": "separated"}
    other = extension_sweep.shares_by_level(runs.assign(outcome=runs["outcome"].replace(swapped)))
    for end in ("", "_low", "_high"):
        assert list(other[f"share{end}"]) == list(shares[f"lost{end}"])
        assert list(other[f"lost{end}"]) == list(shares[f"share{end}"])


def losses(count, loss, status="interconnected", active=100, **more):
    """Made-up networks of one status."""
    about = {"active": active, "loss": loss, "status": status, **more}
    return pd.DataFrame([{"run": f"{status}-{loss}-{n}", **about} for n in range(count)])


def test_performance_has_a_panel_per_draw_and_counts_lost_tasks():
    parts = []
    for draw in range(8):
        found = losses(20, 0.004), losses(12, 0.002, "separated"), losses(3, 0.2, "separated")
        parts.append(pd.concat(found).assign(**{"data.seed": draw}))
    figure = plots.performance(pd.concat(parts), reference("performance_clusters"))
    assert len(figure.axes) == 6
    for draw, ax in enumerate(figure.axes):
        assert f"draw {draw}" in ax.get_title(loc="left")
        assert "one task lost: 3 of 35" in [t.get_text() for t in ax.texts]
    assert title(figure).startswith("20 % of the separated networks have lost a task")
    assert "in 6 of 6 draws (the first of 8)" in title(figure)


def test_the_comparison_of_losses_can_go_against_the_separated_ones():
    table = pd.concat([losses(20, 0.002), losses(12, 0.004, "separated")])
    assert "0.0040, that of others as small 0.0020" in title(plots.performance(table))
    assert title(plots.performance(losses(4, 0.2))).startswith("No network separated")


def test_performance_shows_many_as_boxes_and_few_as_dots():
    table = pd.concat([losses(20, 0.004), losses(3, 0.002, "separated")])
    (ax,) = plots.performance(table, reference("performance_clusters")).axes
    dots = [line for line in ax.lines if line.get_marker() == "^"]
    assert sum(len(line.get_ydata()) for line in dots) == 3
    edges = [to_rgb(box.get_edgecolor()) for box in ax.patches]
    assert edges.count(to_rgb(plots.STATUS_COLOURS["interconnected"])) == 1
    assert edges.count((0, 0, 0)) >= len(reference("performance_clusters"))


def test_the_loss_that_the_thesis_reports_is_the_watched_one():
    table = losses(12, 0.2, watched_loss=0.002)
    (ax,) = plots.performance(table).axes
    assert "one task lost: 0 of 12" in [t.get_text() for t in ax.texts]
    assert "training watched" in ax.get_ylabel()


def test_figures_and_verdicts_call_the_same_networks_solved():
    from lth_utils.plots.extension_sweep import losses
    from lth_utils.studies.extension_sweep import loss_verdicts

    assert losses.SOLVED == loss_verdicts.SOLVED


def test_means_of_the_poster_leave_out_networks_that_lost_a_task():
    both = {"prune.levels": 3, "level": 1}
    table = pd.concat([losses(3, 0.004, **both), losses(1, 0.3, **both)])
    figure = plots.performance_poster(table, reference("poster_scatter"))
    means = [dots for dots in figure.axes[0].collections if "at most half" in dots.get_label()]
    assert means[0].get_offsets()[:, 1].tolist() == pytest.approx([0.004])
    assert title(figure).startswith("25 % of the networks lost a task")


def test_weights_at_separation_are_boxes_where_many_separate_and_dots_where_few_do():
    rows = []
    for extension, count in ((9, 12), (10, 4)):
        for n in range(count):
            about = {"network": "2", "extension": extension, "level": 3, "active": 80 + n}
            rows.append({**about, "available": 112, "run": f"{extension}-{n}"})
    figure = plots.weights_at_separation(pd.DataFrame(rows), reference("active_available_at_split"))
    active, available = figure.axes
    assert len(active.patches) == 1
    dots = [line for line in active.lines if len(line.get_xdata()) == 4]
    assert sorted(dots[0].get_ydata()) == [80, 81, 82, 83]
    theirs = reference("active_available_at_split").query("network == '2'")
    assert len(hollow_dots(available)) == theirs["n_separated_runs"].sum()
    assert "86 against 82 active weights" in title(figure)  # medians of 80…91 and of 80…83


def test_structural_curves_stand_beside_chance(sweep_tables):
    table, runs, _ = sweep_tables
    found = extension_sweep.state_shares(structure_of(table))
    figure = plots.inactive_zombie(found, reference("inactive_zombie"))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["level 2"] * 2
    grey = lines_of(figure.axes[0], NULL_COLOUR)
    assert len(grey) == 2
    ours = lines_of(figure.axes[0], plots.STATE_COLOURS["inactive"])[0]
    assert grey[0].get_ydata() == pytest.approx(0.5 * ours.get_ydata())
    assert "20 % are inactive; of random masks with as many in every layer 10 %" in title(figure)
    assert "on 1 to 3 draws" in legend_of(figure) and "chance" in legend_of(figure)
    figure = plots.active_share(runs, reference("final_active_fraction_2layer"), found)
    assert len(lines_of(figure.axes[0], NULL_COLOUR)) == 2
    assert len(hollow_dots(figure.axes[0])) == len(reference("final_active_fraction_2layer"))


def test_means_of_structure_treat_the_draw_as_a_random_factor():
    draws = np.repeat(range(6), 2)
    about = {"run": list("abcdefghijkl"), "draw": draws, "kind": "run", "base": "4-8-8-2"}
    weights = {"available": 20, "active": 20 - draws, "inactive": draws, "zombie": 0}
    structure = pd.DataFrame({**about, **weights, "levels": 2, "level": 0})
    (row,) = extension_sweep.state_shares(structure).to_dict("records")
    assert (row["network"], row["runs"], row["draws"]) == ("2", 12, 6)
    assert row["inactive"] == pytest.approx(0.125)
    by_draw = statistics.mean_interval(np.arange(6) / 20)
    assert (row["inactive_low"], row["inactive_high"]) == pytest.approx(by_draw[1:])
    (alone,) = extension_sweep.state_shares(structure.assign(draw=0)).to_dict("records")
    assert row["inactive_low"] < alone["inactive_low"] < alone["inactive_high"]


def test_layers_have_a_panel_each_with_chance_and_theirs(sweep_tables):
    table, _, _ = sweep_tables
    found = extension_sweep.layer_shares(structure_of(table))
    figure = plots.layer_separation(found, reference("layer_separation"))
    assert len(figure.axes) == 8
    hidden = figure.axes[3]  # seen from the outputs, the last hidden layer
    assert len(lines_of(hidden, NULL_COLOUR)) == 2
    theirs = reference("layer_separation").query("view_from == 'outputs' and layer == 'hidden-3'")
    assert len(hollow_dots(hidden)) == len(theirs)
    assert "last hidden layer 1, inputs never; in random masks 2 and never" in title(figure)


def test_the_remedy_stands_beside_the_disease():
    rows = []
    for run in ("a", "b"):
        for level, (inputs, outputs) in enumerate(((80, 40), (70, 4))):
            for layer, left in enumerate((inputs, outputs, np.nan)):
                about = {"run": run, "extension": 5, "level": level, "layer": layer}
                rows.append({**about, "available": left, "active": left})
    counts = {"extension": [5], "share": [0.2], "share_low": [0.1], "share_high": [0.4]}
    levels = pd.DataFrame({"network": ["1"], "runs": [10], "draws": [2], **counts})
    figure = plots.which_layer_is_lost(
        pd.DataFrame(rows), levels, levels.assign(share=0.9, share_high=1.0, network="by layer")
    )
    assert "10 % of those into the outputs are left, 88 % of those from the inputs" in title(figure)
    remedy = " ".join(figure.axes[3].get_title(loc="left").split())
    assert remedy == "separated at level 5: globally 2 of 10, layer by layer 9 of 10"


@pytest.mark.parametrize("empty", [False, True])
def test_every_chart_draws_few_runs_and_runs_that_never_separated(sweep_tables, empty):
    table, runs, shares = sweep_tables
    if empty:
        table = table[table["extension"] == 0]
        runs = runs[runs["extension"] == 0]
        shares = shares[shares["extension"] == 0]
    structure = structure_of(table)
    theirs = extension_sweep.their_shares()
    before = plt.get_fignums()
    for figure in (
        plots.outcomes(shares, theirs),
        plots.split_count(shares, theirs),
        plots.active_share(runs, reference("final_active_fraction_2layer")),
        plots.weights_at_separation(runs, reference("active_available_at_split")),
        plots.performance(table, reference("performance_clusters")),
        plots.performance_poster(table, reference("poster_scatter")),
        plots.inactive_zombie(
            extension_sweep.state_shares(structure), reference("inactive_zombie")
        ),
        plots.layer_separation(
            extension_sweep.layer_shares(structure), reference("layer_separation")
        ),
        plots.trajectory(extension_sweep.trajectories(), reference("trajectory")),
        plots.how_many_levels(outcomes.by_level(runs, ("levels",)), runs),
        plots.twenty_levels(outcomes.by_level(runs.assign(width=8), ("width",))),
    ):
        figure.canvas.draw()
        shown = [ax for ax in figure.axes if ax.axison and ax.get_label() != "<colorbar>"]
        assert any(ax.get_xlabel() for ax in shown)
    assert plt.get_fignums() == before

"""Theirs and ours: how runs are counted, how counts are compared, and what the verdicts say of made-up tables whose answer is known."""

import itertools
import types

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from lth_utils import connectivity, data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, run_id
from lth_utils.connectivity import OUTCOMES, outcome
from lth_utils.networks import ticket as ticket_module
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import (
    extension_sweep,
    mnist_fashion,
    outcomes,
    pruning_level_sweep,
    reference,
    statistics,
)

STORY = {
    "interconnected": ["interconnected"] * 3,
    "separated": ["interconnected", "separated", "separated"],
    "separated-degraded": ["interconnected", "separated", "degraded"],
    "degraded": ["interconnected", "degraded"],
}


def family(base, counts, active=100.0, loss=0.003):
    """Level rows of runs with known outcomes: counts maps (extension level, outcome) to a number of runs."""
    rows, seed = [], itertools.count()
    for (extension, word), n in counts.items():
        for _ in range(n):
            s = next(seed)
            for level, status in enumerate(STORY[word]):
                rows.append(
                    {
                        "run": f"{base}-{extension}-{s}",
                        "base": base,
                        "prune.levels": extension,
                        "seed": s,
                        "level": level,
                        "available": 1000 // 3**level,
                        "active": active,
                        "status": status,
                        "accuracy": 0.99,
                        "loss": loss if status == "separated" else 0.01,
                    }
                )
    return pd.DataFrame(rows)


def test_outcomes_are_those_of_the_statuses():
    table = family("4-8-8-2", {(7, w): n for n, w in enumerate(STORY, start=1)})
    found = outcomes.outcomes(table).set_index("run")
    for run, rows in table.groupby("run"):
        assert found.loc[run, "outcome"] == outcome(list(rows["status"]))
        assert found.loc[run, "available_end"] == rows["available"].iloc[-1]
        assert (
            (found.loc[run, "level"] == 1)
            if "separated" in set(rows["status"])
            else pd.isna(found.loc[run, "level"])
        )


def test_three_layer_runs_are_read_in_both_ways():
    table = family("4-4-4-4-2", {(1, "separated"): 1, (4, "separated-degraded"): 2})
    read = extension_sweep.readings(table)
    assert set(read["network"]) == {"3", "3mini"}
    assert set(read.query("network == '3mini'")["extension"]) == {1, 4}
    shifted = read.query("network == '3'")
    assert (
        set(shifted["extension"]) == {2} and shifted["available"].min() >= reference.READ_TO
    )  # level 1 would be -1; 1000, 333, 111
    assert (
        outcomes.by_level(outcomes.outcomes(read))
        .query("network == '3'")["separated-degraded"]
        .item()
        == 2
    )


def test_counts_by_level_and_their_interval():
    table = family(
        "4-8-8-2",
        {
            (7, "interconnected"): 3,
            (7, "separated"): 1,
            (9, "separated"): 2,
            (9, "separated-degraded"): 2,
        },
    )
    levels = outcomes.by_level(outcomes.outcomes(extension_sweep.readings(table))).set_index(
        "extension"
    )
    assert list(levels["runs"]) == [4, 4] and list(levels["share"]) == [0.25, 1.0]
    assert levels.loc[7, "share_low"] == pytest.approx(statistics.share(1, 4)[1])


def test_their_tables_fit_ours():
    theirs = reference.theirs_by_level()
    assert (
        set(theirs["network"]) == {"1", "2", "3", "3mini"}
        and (theirs[list(OUTCOMES)].sum(axis=1) == theirs["runs"]).all()
    )
    widths = extension_sweep.trajectories().merge(
        reference.reference("trajectory")
        .astype({"network": str})
        .rename(columns={"extension_level": "extension"}),
        on=["network", "extension"],
        suffixes=("", "_thesis"),
    )
    assert (
        len(widths) > 70
        and (widths["width"] == widths["hidden_width"]).all()
        and (widths["weights"] == widths["weights_thesis"]).all()
    )


def test_exact_test_is_fishers_where_there_are_two_columns():
    from scipy.stats import fisher_exact

    rng = np.random.default_rng(0)
    for _ in range(60):
        a, b = rng.integers(0, 9, 2), rng.integers(0, 9, 2)
        if a.sum() and b.sum():
            assert statistics.exact(a, b) == pytest.approx(fisher_exact([a, b]).pvalue, abs=1e-9)


def test_exact_test_with_more_columns_is_that_of_all_relabellings():
    ours, theirs = [3, 1, 0], [0, 2, 2]
    labels = np.repeat(range(3), np.add(ours, theirs))
    counts = [
        np.bincount(labels[list(pick)], minlength=3) for pick in itertools.combinations(range(8), 4)
    ]
    tables, frequency = np.unique(counts, axis=0, return_counts=True)
    seen = frequency[(tables == theirs).all(1)].item()
    assert statistics.exact(ours, theirs) == pytest.approx(
        frequency[frequency <= seen].sum() / frequency.sum()
    )
    assert statistics.exact([50, 50, 0], [2, 2, 0]) == pytest.approx(1)


def test_holm_never_lowers_a_p_value_and_keeps_their_order():
    p = np.random.default_rng(0).random(30) ** 3
    corrected = statistics.holm(p)
    assert (
        (corrected >= p).all()
        and (np.diff(corrected[np.argsort(p)]) >= 0).all()
        and corrected.max() <= 1
    )
    assert corrected.min() == pytest.approx(min(1, 30 * p.min()))


def judged(counts, **options):
    table = extension_sweep.readings(family("4-8-8-2", counts, **options))
    runs = outcomes.outcomes(table)
    nothing = pd.DataFrame(columns=["run", "level", "layer"])
    return extension_sweep.extension(outcomes.by_level(runs), runs, table, nothing)


def verdict(found, text):
    return found[found["statement"].str.contains(text, regex=False)].iloc[0]


def test_a_claim_that_holds_agrees_and_one_that_fails_differs():
    counts = {(e, "interconnected"): 40 for e in range(7)} | {
        (e, "separated"): 40 for e in range(9, 15)
    }
    good = judged(counts)
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "do not degrade before",
        "stay between 80 and 120",
    ):
        assert verdict(good, text)["verdict"] == "agrees", text
    bad = judged(
        counts
        | {
            (5, "separated"): 3,
            (8, "degraded"): 1,
            (10, "separated"): 5,
            (10, "interconnected"): 95,
        },
        active=60.0,
    )
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "do not degrade before",
        "stay between 80 and 120",
    ):
        assert verdict(bad, text)["verdict"] == "differs", text
    assert "chance" in verdict(bad, "do not separate below")["note"]


def test_few_runs_cannot_tell():
    found = judged({(3, "interconnected"): 3, (9, "separated"): 2, (9, "interconnected"): 2})
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "counts of outcomes",
    ):
        assert verdict(found, text)["verdict"] == "cannot tell", text


def test_counts_that_differ_from_theirs_are_found_in_spite_of_the_correction():
    found = verdict(judged({(e, "separated"): 60 for e in range(26)}), "counts of outcomes")
    assert found["verdict"] == "differs" and found["p"] < 0.05 and "levels 0, 1" in found["ours"]


@pytest.mark.parametrize(("loss", "expected"), [(0.001, "agrees"), (0.05, "differs")])
def test_the_rank_of_separated_losses(loss, expected):
    found = judged({(9, "separated"): 20, (9, "interconnected"): 20}, loss=loss)
    assert verdict(found, "network of any size")["verdict"] == expected


def test_one_layer_networks_and_an_empty_family():
    table = extension_sweep.readings(family("4-20-2", {(14, "separated"): 1, (15, "degraded"): 30}))
    runs = outcomes.outcomes(table)
    found = extension_sweep.extension(
        outcomes.by_level(runs), runs, table[:0], pd.DataFrame(columns=["run", "level", "layer"])
    )
    assert verdict(found, "from extension level 14 on")["verdict"] == "differs"
    assert verdict(found, "do not separate below")["verdict"] == "cannot tell"


def cells(shares, seeds=20):
    rows = [
        {
            "run": f"{w}-{n}-{s}",
            "width": w,
            "levels": n,
            "outcome": "separated" if s < round(share * seeds) else "interconnected",
        }
        for (w, n), share in shares.items()
        for s in range(seeds)
    ]
    table = pd.DataFrame(rows)
    weights = 6 * table["width"] + table["width"] ** 2
    return table.assign(rate=1 - (112 / weights) ** (1 / table["levels"]), loss=0.01)


def test_verdicts_on_the_grid():
    theirs = reference.reference("separations_by_size_and_levels")
    grid = {(w, n): (0.0 if w < 48 else 0.9) for w in (31, 38, 48, 57) for n in range(3, 11)}
    found = pruning_level_sweep.pruning_levels(cells(grid), theirs)
    for text in (
        "width 31 never",
        "width 38 never",
        "width 48 does",
        "rates below 0.41",
        "largest rate",
    ):
        assert verdict(found, text)["verdict"] == "agrees", text
    found = pruning_level_sweep.pruning_levels(
        cells(grid | {(38, 10): 0.3, (48, 8): 0.0, (48, 1): 0.2, (57, 10): 0.0}), theirs
    )
    for text in ("width 38 never", "rates below 0.41", "largest rate"):
        assert verdict(found, text)["verdict"] == "differs", text


def test_variants_are_compared_with_the_thesis_setting():
    runs = pd.concat(
        [
            cells({(48, 9): share}, 60).assign(variant=name)
            for name, share in (("as the thesis", 0.5), ("the same", 0.5), ("another", 0.95))
        ]
    )
    found = extension_sweep.variants(runs).set_index("variant")
    assert (
        found.loc["the same", "p_corrected"] == 1
        and found.loc["another", "p_corrected"] < 0.01
        and np.isnan(found.loc["as the thesis", "p"])
    )


def test_layers_of_a_run_add_up_to_its_table(tmp_path):
    spec = RunSpec(
        data.spec("moons_circles", n_samples=60),
        base=(4, 5, 5, 5, 2),
        prune=PruneSpec(rate=0.4, levels=3, schedule="extension"),
        train=TrainSpec(batch_size=32, patience=2, max_epochs=4),
    )
    results = Store(tmp_path)
    sweep.run([spec], results, device="cpu")
    layers, table = extension_sweep.layers(results, [run_id(spec)]), results.table([spec])
    sums = layers.groupby("level")[["available", "active"]].sum()
    assert list(sums["available"]) == list(table["available"]) and list(sums["active"]) == list(
        table["active"]
    )
    ends = layers.groupby("level").agg(
        first=("decided_inputs", "first"), last=("decided_outputs", "last")
    )
    assert (ends == 1).all().all()  # where a view starts, every neuron is decided


# ---------------------------------------------------------------------- images


def two_parts(shape=(6, 8, 8, 4), leak=False, seed=0):
    """A random ticket whose halves share nothing, but for one weight if `leak`; its tasks own the halves of inputs and outputs."""
    from itertools import pairwise

    generator = torch.Generator().manual_seed(seed)
    masks = []
    for i, o in pairwise(shape):
        block = torch.zeros(1, o, i, dtype=torch.bool)
        block[:, : o // 2, : i // 2] = block[:, o // 2 :, i // 2 :] = True
        masks.append(block & (torch.rand(block.shape, generator=generator) < 0.8))
    if leak:
        masks[0][0, 0, shape[0] - 1] = masks[1][0, 0, 0] = masks[2][0, 0, 0] = True
    weights = torch.cat([torch.randn(m.shape, generator=generator).mul(m).flatten() for m in masks])
    values = torch.cat([weights, torch.randn(sum(shape[1:]), generator=generator)]).numpy()
    tasks = (
        data.Task("left", range(0, 3), range(0, 2)),
        data.Task("right", range(3, 6), range(2, 4)),
    )
    ticket = ticket_module.Ticket(shape, masks, values, values, tasks, 0, 0)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((200, 6)).astype(np.float32)
    y = rng.integers(0, 2, (200, 2))
    return ticket, data.Dataset(x, y, x, y, tasks)


@pytest.mark.parametrize("leak", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_part_cut_out_answers_as_the_whole_and_its_inputs_are_counted(leak, seed):
    ticket, dataset = two_parts(leak=leak, seed=seed)
    x = torch.from_numpy(dataset.x_test)
    with torch.no_grad():
        whole, parts = ticket.model()(x), [ticket.cut(k).model()(x) for k in (0, 1)]
    assert torch.equal(parts[0][:, :2], whole[:, :2]) and torch.equal(parts[1][:, 2:], whole[:, 2:])
    found = mnist_fashion.purity(ticket, dataset).set_index("task")
    assert np.allclose(found["accuracy"], found["accuracy_cut"])
    assert found.loc["right", "own_share"] == 1 and (found.loc["left", "own_share"] < 1) == leak
    if not leak:
        assert np.allclose(found["accuracy"], found["accuracy_own_image"])
        assert found["weights"].sum() <= sum(int(m.sum()) for m in ticket.masks)


def test_cutting_out_removes_every_weight_on_no_path_to_the_task():
    ticket, _ = two_parts(leak=True)
    graph = claims_graph(ticket)
    import networkx as nx

    for k, task in enumerate(ticket.tasks):
        needed = set().union(*(nx.ancestors(graph, (3, o)) | {(3, o)} for o in task.outputs))
        for layer, mask in enumerate(ticket.cut(k).masks):
            kept = {((layer, i), (layer + 1, j)) for _, j, i in mask.nonzero().tolist()}
            assert kept == {(u, v) for u, v in graph.edges if u[0] == layer and v in needed}


def claims_graph(ticket):
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(
        (layer, n) for layer, width in enumerate(ticket.shape) for n in range(width)
    )
    graph.add_edges_from(
        ((layer, i), (layer + 1, j))
        for layer, m in enumerate(ticket.masks)
        for _, j, i in m.nonzero().tolist()
    )
    return graph


def test_pixel_correlation_is_spearmans_and_random_pixels_have_none():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    variance = rng.random(100)
    levels = {0: np.full(100, 30), 1: (30 * variance).astype(int), 2: rng.integers(0, 30, 100)}
    degrees = pd.concat(
        [
            pd.DataFrame(
                {"network": "n", "level": n, "pixel": range(100), "available": 30, "active": a}
            )
            for n, a in levels.items()
        ]
    )
    found = mnist_fashion.pixel_correlation(degrees, {"n": variance}).set_index("level")
    for n in (1, 2):
        assert found.loc[n, "correlation"] == pytest.approx(
            spearmanr(levels[n], variance).statistic
        )
    assert (
        found.loc[0, "correlation"] == 0
        and found.loc[1, "correlation"] > found.loc[1, "permuted_high"]
    )
    assert found.loc[2, "permuted_low"] < 0 < found.loc[2, "permuted_high"] < 0.4


@pytest.mark.parametrize("leak", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_all_is_decided_exactly_where_no_subnetwork_serves_two_tasks(leak, seed, monkeypatch):
    ticket, _ = two_parts(leak=leak, seed=seed)
    (word,) = connectivity.status(ticket.masks, ticket.tasks, "output")
    monkeypatch.setattr(data, "load", lambda _: types.SimpleNamespace(tasks=ticket.tasks))
    results = types.SimpleNamespace(
        spec=lambda _: types.SimpleNamespace(data=None), masks=lambda _: [ticket.masks]
    )
    (row,) = mnist_fashion.decided_share(results, ["a run"]).itertuples()
    assert (row.decided < 1) == leak
    assert word == "degraded" or (word == "interconnected") == leak
    ticket.masks[0][0, 0, -1] = (
        True  # one more input for a neuron of the other part: no hidden neuron is shared by that
    )
    (heard,) = mnist_fashion.decided_share(results, ["a run"]).itertuples()
    assert heard.decided_hidden == row.decided_hidden and heard.decided <= row.decided


def image_levels(stories, **columns):
    """Level rows of runs as (status, accuracy) level by level; before the network separates the tasks share neurons."""
    rows = [
        {
            "run": f"{columns.get('variant', '')}{n}",
            "seed": n,
            "level": level,
            "status": status,
            "accuracy": accuracy,
            "available": 1544480 // 12**level,
            "active": 800,
            "train.loss": "mean",
            "decided_hidden": float(level > 1),
            "decided": float(status == "separated"),
            "base": "1568-784-392-20",
            **columns,
        }
        for n, story in enumerate(stories)
        for level, (status, accuracy) in enumerate(story)
    ]
    return pd.DataFrame(rows)


GOOD = [
    ("interconnected", 0.9),
    ("interconnected", 0.88),
    ("interconnected", 0.87),
    ("separated", 0.84),
]
PURE = pd.DataFrame({"own_share": [1.0, 0.98], "accuracy": [0.9, 0.8], "accuracy_cut": [0.9, 0.8]})
CORRELATION = pd.DataFrame(
    {
        "network": "mnist",
        "level": [1, 2],
        "correlation": [0.5, 0.6],
        "permuted_low": -0.1,
        "permuted_high": 0.1,
    }
)


def shifted(by):
    """Three runs as the good ones, each of them more accurate by so much."""
    stories = [[(status, accuracy + by + n / 1e4) for status, accuracy in GOOD] for n in range(3)]
    return image_levels(stories, **{"variant": "sum", "train.loss": "sum"})


def image_verdicts(table, pure=PURE, correlation=CORRELATION, others=()):
    return mnist_fashion.images(
        table,
        pure,
        correlation,
        mnist_fashion.methods(pd.concat([table.assign(variant="as the thesis"), *others])),
    )


def test_verdicts_on_images():
    good = image_levels([GOOD] * 3)
    found = image_verdicts(good)
    assert list(found["verdict"]) == ["agrees"] * 5 + [
        "differs",
        "agrees",
    ]  # the parts also hear the other image
    bad = image_levels(
        [
            [("interconnected", 0.9), ("separated", 0.95)],
            [("interconnected", 0.9), ("degraded", 0.5)],
            [("interconnected", 0.9)],
        ]
    )
    leaky = PURE.assign(accuracy_cut=[0.9, 0.5])
    assert "agrees" not in set(
        image_verdicts(bad, leaky, CORRELATION.assign(correlation=-0.5))["verdict"]
    )
    headline = mnist_fashion.images_headline(bad, PURE)
    assert headline.startswith(
        "1 of 3 image networks separated (95 % interval 6% to 79%), at 95.0% mean accuracy"
    )
    assert "and 1 fell apart into more parts" in mnist_fashion.images_headline(
        bad.replace("degraded", "fragmented"), PURE
    )


def test_sizes_and_accuracies_are_compared_with_the_thesis_only_at_its_size():
    small = image_verdicts(image_levels([GOOD] * 3).assign(available=lambda t: t["available"] // 7))
    full = image_verdicts(image_levels([GOOD] * 3))
    assert set(full["statement"]) - set(small["statement"]) == {
        "they separate at 83 to 86 % mean accuracy",
        "they separate with about 900 to 1300 weights left",
    }
    assert "smaller images" in small["note"].iloc[0] and not full["note"].iloc[0]


@pytest.mark.parametrize(
    ("by", "expected"),
    [(0.001, "agrees"), (0.02, "differs"), (-0.02, "differs"), (0.005, "cannot tell")],
)
def test_the_definition_of_the_loss_matters_by_the_interval_of_paired_seeds(by, expected):
    found = image_verdicts(image_levels([GOOD] * 3), others=[shifted(by)])
    (row,) = found[found["statement"].str.startswith("the loss")].itertuples()
    assert row.verdict == expected and row.runs == 3


def test_ways_are_compared_run_by_run_and_size_by_size():
    table = pd.concat(
        [
            image_levels([GOOD, GOOD[:3]], variant="as the thesis"),
            shifted(0.07).assign(variant="better"),
            image_levels([[("interconnected", 0.9)]], variant="never"),
        ]
    )
    better = table["variant"] == "better"
    table.loc[better & (table["level"] == 0), "accuracy"] = 0.9
    table.loc[better, "level"] *= 2  # pruned in smaller steps: only sizes can be compared
    found = mnist_fashion.methods(table).set_index("variant")
    assert list(found["separated"]) == [1, 3, 0] and list(found["as_good"]) == [0, 3, 0]
    assert found.loc["as the thesis", "gain"] == pytest.approx(-0.06) and np.isnan(
        found.loc["as the thesis", "gain_low"]
    )
    low, high = stats.t.interval(0.95, 2, loc=0.0101, scale=stats.sem([0.01, 0.0101, 0.0102]))
    assert found.loc["better", ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx(
        [0.0101, low, high]
    )
    assert found.loc["better", "difference"] == pytest.approx(
        np.mean([0.07 * 3 / 4, (0.0701 * 2) / 3])
    )  # two seeds in common
    assert (
        found.loc["as the thesis", "gain_hidden"] == pytest.approx(-0.03)
        and found.loc["never", "hidden"] == 0
    )
    assert mnist_fashion.compare_methods(found.reset_index()).startswith(
        "3 of 4 separated networks are at least as accurate as the same network before pruning; "
        "the surest of 3 ways, better, separates 3 of 3, 3 of them so accurate, on average +1.0 points (95 % interval "
    )
    lucky = (
        found.loc[["as the thesis"]].assign(gain=0.5).rename(index=lambda _: "lucky")
    )  # one run, no interval
    assert "2 ways, better" in mnist_fashion.compare_methods(
        pd.concat([lucky, found.loc[["better"]]]).reset_index()
    )
    assert "1 ways, lucky" in mnist_fashion.compare_methods(lucky.reset_index())
    assert mnist_fashion.compare_methods(found.reset_index()[2:]) == "none of 1 networks separated"

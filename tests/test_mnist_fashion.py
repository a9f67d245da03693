"""Notebook 02: parts cut out, pixels, and verdicts on made-up tables."""

import types

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from lth_utils import connectivity, data
from lth_utils.networks import ticket as ticket_module
from lth_utils.studies import mnist_fashion


def two_parts(shape=(6, 8, 8, 4), leak=False, seed=0):
    """A random ticket of two halves that share nothing, but for one weight if `leak`.

    Its tasks own the halves of the inputs and outputs.
    """
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
def test_all_is_decided_exactly_where_no_subnetwork_serves_two_tasks(leak, seed):
    ticket, _ = two_parts(leak=leak, seed=seed)
    (word,) = connectivity.status(ticket.masks, ticket.tasks, "output")
    history = types.SimpleNamespace(tasks=ticket.tasks, masks=lambda: [ticket.masks])
    results = types.SimpleNamespace(history=lambda _: history)
    (row,) = mnist_fashion.decided_share(results, ["a run"]).itertuples()
    assert (row.decided < 1) == leak
    assert word == "degraded" or (word == "interconnected") == leak
    ticket.masks[0][0, 0, -1] = (
        True  # one more input for a neuron of the other part: no hidden neuron is shared by that
    )
    (heard,) = mnist_fashion.decided_share(results, ["a run"]).itertuples()
    assert heard.decided_hidden == row.decided_hidden and heard.decided <= row.decided


def image_levels(stories, **columns):
    """Level rows of runs as (status, accuracy) level by level.

    Before the network separates the tasks share neurons.
    """
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
        "the surest of 3 ways, better, separates 3 of 3, 3 of them so accurate, "
        "on average +1.0 points (95 % interval "
    )
    lucky = (
        found.loc[["as the thesis"]].assign(gain=0.5).rename(index=lambda _: "lucky")
    )  # one run, no interval
    assert "2 ways, better" in mnist_fashion.compare_methods(
        pd.concat([lucky, found.loc[["better"]]]).reset_index()
    )
    assert "1 ways, lucky" in mnist_fashion.compare_methods(lucky.reset_index())
    assert mnist_fashion.compare_methods(found.reset_index()[2:]) == "none of 1 networks separated"

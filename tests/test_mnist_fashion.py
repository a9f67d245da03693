"""Notebook 02: parts cut out, pixels, and verdicts on made-up tables."""

import itertools
import types

import numpy as np
import pandas as pd
import pytest
import torch
from made_up import verdict
from scipy import stats

from lth_utils import connectivity, data
from lth_utils.networks import ticket as ticket_module
from lth_utils.studies import mnist_fashion
from lth_utils.studies.reference import reference


def two_parts(shape=(6, 8, 8, 4), leak=False, seed=0):
    """A random ticket of two halves that share nothing, but for one weight if `leak`.

    Its tasks own the halves of the inputs and outputs.
    """
    generator = torch.Generator().manual_seed(seed)
    masks = []
    for i, o in itertools.pairwise(shape):
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


SIZES = [1544480, 146417, 13880]
"""Numbers of weights that the thesis' networks have on their way."""


def image_levels(stories, noise=1e-4, **columns):
    """Level rows of runs as (status, accuracy) level by level.

    From seed to seed they are better by `noise`, and by twice as much where they separate.
    Before the network separates the tasks share neurons. From the fourth level on it has as many
    weights as the thesis' have where they separate, about.
    """
    rows = [
        {
            "run": f"{columns.get('variant', '')}{n}",
            "seed": n,
            "level": level,
            "status": status,
            "accuracy": accuracy
            + noise * (n - (len(stories) - 1) / 2) * (1 + (status == "separated")),
            "available": [*SIZES, 1100 + 10 * n][level],
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
    table = pd.DataFrame(rows)
    return table.assign(
        accuracy_mnist=table["accuracy"] + 0.0525, accuracy_fashion=table["accuracy"] - 0.0555
    )


GOOD = [
    ("interconnected", 0.885),
    ("interconnected", 0.884),
    ("interconnected", 0.9),
    ("separated", 0.85),
]
"""As accurate as the thesis' networks."""


def more_accurate(by, story=GOOD):
    return [(status, accuracy + by) for status, accuracy in story]


def heavier(times):
    """Good runs that separate with so many times as many weights."""
    table = image_levels([GOOD] * 5)
    last = table["status"] == "separated"
    return table.assign(available=table["available"].where(~last, times * table["available"]))


def parts(own_shares, accuracies, cut):
    return pd.DataFrame({"own_share": own_shares, "accuracy": accuracies, "accuracy_cut": cut})


PURE = parts([1.0, 0.98], [0.9, 0.8], [0.9, 0.8])


def looked_at(factor=1.0, last=0.5, networks=("mnist", "fashion", "mnist_fashion"), width=1.0):
    """Networks of the thesis' size times `width`, and so many times as many connected inputs.

    Their correlations with the pixels' variances end at `last`.
    """
    theirs, rows = reference("input_connectivity"), []
    for network, pictures in theirs[theirs["dataset"].isin(networks)].groupby("dataset"):
        inputs = pictures["inputs"].iloc[0]
        hidden = int(pictures["network"].iloc[0].split("-")[1])
        rows.append((network, 0, int(inputs * hidden * width), inputs, 0.0, 0.0, 0.0))
        for n, at in enumerate(pictures.itertuples()):
            connected = round(at.inputs_connected * factor * (1 + 0.01 * (n % 2)))
            correlation = last + (at.pruning_level < pictures["pruning_level"].max())
            row = (network, at.pruning_level, 300, min(connected, inputs), correlation, -0.1, 0.1)
            rows.append(row)
    names = ["network", "level", "available", "connected", "correlation"]
    return pd.DataFrame(rows, columns=[*names, "permuted_low", "permuted_high"])


def shifted(by, runs=5):
    """Runs as the good ones, each of them more accurate by so much, a little more or less."""
    stories = [more_accurate(by + (n - 2) / 1e4) for n in range(runs)]
    return image_levels(stories, **{"variant": "sum", "train.loss": "sum"})


def image_verdicts(table=None, pure=PURE, correlation=None, others=()):
    table = image_levels([GOOD] * 5) if table is None else table
    ways = mnist_fashion.methods(pd.concat([table.assign(variant="as the thesis"), *others]))
    return mnist_fashion.images(
        table, pure, looked_at() if correlation is None else correlation, ways
    )


EVERY_SEED, ACCURACY, WEIGHTS, CURVE, ON_MNIST, ON_FASHION, PEAK, LEAK, OWN, VARYING, INPUTS = (
    "image networks separate in every seed",
    "they separate at 83 to 86 % mean accuracy",
    "they separate with 889 to 1316 weights left",
    "at equal size their mean accuracy is ours",
    "at equal size the accuracy on mnist is ours",
    "at equal size the accuracy on fashion is ours",
    "at separation the accuracy is below the peak",
    "separated means no leak",
    "no part receives input from the other image",
    "the remaining weights gather at the pixels that vary (mnist,",
    "as many inputs are connected",
)

AT_THEIR_SIZE = [ACCURACY, WEIGHTS, CURVE, ON_MNIST, ON_FASHION]

TOGETHER = [*GOOD[:3], ("interconnected", 0.85)]

OF_SEPARATED = [*AT_THEIR_SIZE, PEAK]


def given(rows, **made_up):
    """Cases of a test: every one of `rows`, and what is made up."""
    return [(row, made_up) for row in ([rows] if isinstance(rows, str) else rows)]


def cases(word, *of):
    return [(word, *case) for case in itertools.chain(*of)]


@pytest.mark.parametrize(
    ("expected", "row", "made_up"),
    [
        *cases(
            "agrees",
            given([*OF_SEPARATED, LEAK, VARYING, INPUTS]),
            given(EVERY_SEED, table=image_levels([GOOD] * 200)),
            given(OWN, pure=parts([1.0] * 200, [0.9] * 200, [0.9] * 200)),
        ),
        *cases(
            "differs",
            given(OWN),  # one of the parts hears the other image
            given([EVERY_SEED], table=image_levels([GOOD] * 4 + [TOGETHER])),
            given([EVERY_SEED], table=image_levels([GOOD] * 199 + [TOGETHER])),
            given([EVERY_SEED], table=image_levels([TOGETHER] * 3)),
            given(
                [ACCURACY, CURVE, ON_MNIST, ON_FASHION],
                table=image_levels([more_accurate(0.03)] * 5),
            ),
            given(
                [ACCURACY, CURVE, ON_MNIST, ON_FASHION],
                table=image_levels([more_accurate(-0.04)] * 5),
            ),
            given(WEIGHTS, table=heavier(1.5)),
            given(LEAK, pure=parts([1.0] * 3, [0.9, 0.9, 0.8], [0.9, 0.9, 0.79])),
            given(VARYING, correlation=looked_at(last=-0.5)),
            given(INPUTS, correlation=looked_at(0.7)),
        ),
        *cases(
            "cannot tell",
            given([EVERY_SEED, *OF_SEPARATED], table=image_levels([GOOD] * 4)),
            given([EVERY_SEED, OWN], pure=parts([1.0] * 10, [0.9] * 10, [0.9] * 10)),
            given(
                [ACCURACY, CURVE, ON_MNIST, ON_FASHION],
                table=image_levels([more_accurate(by) for by in (-0.1, -0.05, 0, 0.05, 0.1)]),
            ),
            given(WEIGHTS, table=image_levels([[*GOOD[:2], ("separated", 0.85)]] + [GOOD] * 5)),
            given(PEAK, table=image_levels([[*GOOD[:3], ("separated", 0.95)]] * 5)),
            given(VARYING, correlation=looked_at(last=0.05)),
            given(INPUTS, correlation=looked_at(0.896)),
            given(INPUTS, correlation=looked_at(networks=["mnist", "fashion"])),
        ),
    ],
)
def test_verdicts_on_images(expected, row, made_up):
    found = verdict(image_verdicts(**made_up), row)
    assert found["verdict"] == expected and found["n"] > 0 and found["draws"] == 1


def test_inputs_are_compared_at_the_sizes_of_the_thesis_once_one_is_lost():
    """In 8 of 15 pictures a pixel has no weight, in theirs or ours."""
    assert verdict(image_verdicts(), INPUTS)["theirs"] == "8 pictures of 3 networks"
    fewer = looked_at().assign(connected=lambda t: (t["connected"] - 1) * (t["level"] > 0))
    assert verdict(image_verdicts(correlation=fewer), INPUTS)["theirs"].startswith("15 pictures")
    other = image_verdicts(correlation=looked_at(width=0.5))
    assert not other["statement"].str.startswith(INPUTS).any()


def test_of_networks_that_stayed_together_only_that_is_said():
    found = image_verdicts(image_levels([TOGETHER] * 5), correlation=looked_at()[:0])
    assert list(found["statement"].str.partition(":")[0]) == [EVERY_SEED]
    assert found["ours"].item() == "5 of 5, 100% (48% to 100%)"


def test_the_headline_counts_what_separated_and_what_fell_apart():
    bad = image_levels([[GOOD[0], ("separated", 0.95)], [GOOD[0], ("degraded", 0.5)], GOOD[:1]])
    headline = mnist_fashion.images_headline(bad, PURE)
    assert headline.startswith(
        "1 of 3 image networks separated (95 % interval 1% to 91%), at 95.0% mean accuracy"
    )
    assert "and 1 fell apart into more parts" in mnist_fashion.images_headline(
        bad.replace("degraded", "fragmented"), PURE
    )


def test_sizes_and_accuracies_are_compared_with_the_thesis_only_at_its_size():
    table = image_levels([GOOD] * 5)
    small = image_verdicts(table.assign(available=table["available"] // 7))
    full = image_verdicts(table)
    only = full[~full["statement"].isin(small["statement"])]["statement"]
    assert len(only) == len(AT_THEIR_SIZE)
    assert all(only.str.startswith(row).any() for row in AT_THEIR_SIZE)
    notes = [verdict(found, EVERY_SEED)["note"] for found in (small, full)]
    assert "smaller images" in notes[0] and "smaller images" not in notes[1]


@pytest.mark.parametrize(
    ("by", "runs", "expected"),
    [
        (0.001, 5, "agrees"),
        (0.02, 5, "differs"),
        (-0.02, 5, "differs"),
        (0.005, 5, "cannot tell"),
        (0.02, 4, "cannot tell"),
    ],
)
def test_the_definition_of_the_loss_matters_by_the_interval_of_paired_seeds(by, runs, expected):
    found = verdict(image_verdicts(others=[shifted(by, runs)]), "the loss: whether")
    assert found["verdict"] == expected and found["n"] == runs


def test_every_loss_of_a_variant_has_its_row():
    others = [shifted(0.001), shifted(0.02).assign(variant="sum, again")]
    found = image_verdicts(others=others)
    rows = found[found["statement"].str.startswith("the loss")]
    assert list(rows["verdict"]) == ["agrees", "differs"]


def test_ways_are_compared_run_by_run_and_size_by_size():
    table = pd.concat(
        [
            image_levels([GOOD, GOOD[:3]], noise=0, variant="as the thesis"),
            image_levels([more_accurate(0.07 + n / 1e4) for n in range(5)], 0, variant="better"),
            image_levels([GOOD[:1]], variant="never"),
        ]
    )
    better = table["variant"] == "better"
    table.loc[better & (table["level"] == 0), "accuracy"] = 0.885
    table.loc[better, "level"] *= 2  # pruned in smaller steps: only sizes can be compared
    found = mnist_fashion.methods(table).set_index("variant")
    assert list(found["separated"]) == [1, 5, 0] and list(found["as_good"]) == [0, 5, 0]
    assert found.loc["as the thesis", "gain"] == pytest.approx(-0.035) and np.isnan(
        found.loc["as the thesis", "gain_low"]
    )
    gains = [0.035, 0.0351, 0.0352, 0.0353, 0.0354]  # not skewed: Student's interval
    low, high = stats.t.interval(0.95, 4, loc=0.0352, scale=stats.sem(gains))
    assert found.loc["better", ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx(
        [0.0352, low, high]
    )
    assert found.loc["better", "difference"] == pytest.approx(
        np.mean([0.07 * 3 / 4, 0.0701 * 2 / 3])
    )  # two seeds in common
    assert np.isnan(found.loc["better", "difference_low"])
    assert (
        found.loc["as the thesis", "gain_hidden"] == pytest.approx(0.015)
        and found.loc["never", "hidden"] == 0
    )
    assert mnist_fashion.compare_methods(found.reset_index()).startswith(
        "5 of 6 separated networks are at least as accurate as the same network before pruning; "
        "the surest of 3 ways, better, separates 5 of 5, 5 of them so accurate, "
        "on average +3.5 points (95 % interval "
    )
    lucky = (
        found.loc[["as the thesis"]].assign(gain=0.5).rename(index=lambda _: "lucky")
    )  # one run, no interval
    assert "2 ways, better" in mnist_fashion.compare_methods(
        pd.concat([lucky, found.loc[["better"]]]).reset_index()
    )
    assert "1 ways, lucky" in mnist_fashion.compare_methods(lucky.reset_index())
    assert mnist_fashion.compare_methods(found.reset_index()[2:]) == "none of 1 networks separated"

"""Random masks share with the given ones what they must, and nothing else."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from oracles import random_masks, random_shape, random_tasks
from scipy import stats

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, rng, run_id
from lth_utils.connectivity import decided, nulls, weight_states
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import nulls as study


def nested_levels(stream, shape, members, levels=4):
    """Masks of a network that loses some of its weights at every level."""
    masks = [random_masks(stream, shape, members, low=0.6)]
    for _ in range(levels - 1):
        masks.append([m & torch.from_numpy(stream.random(m.shape) < 0.6) for m in masks[-1]])
    return masks


# random masks


def test_nested_masks_have_the_counts_of_every_layer_and_level():
    stream = np.random.default_rng(0)
    for _ in range(20):
        shape = random_shape(stream, random_tasks(stream))
        given = nested_levels(stream, shape, members=3)
        drawn = nulls.nested_random_masks(given, rng(1, "test"))
        for before, after in itertools.pairwise(drawn):
            assert all((b | ~a).all() for a, b in zip(after, before, strict=True))
        for own, random in zip(given, drawn, strict=True):
            for mask, other in zip(own, random, strict=True):
                assert mask.shape == other.shape and other.dtype == torch.bool
                assert torch.equal(mask.flatten(1).sum(1), other.flatten(1).sum(1))
        assert all(torch.equal(m, r) for m, r in zip(given[0], drawn[0], strict=True))


def test_nested_masks_are_anywhere_among_what_level_0_has():
    full = torch.ones(20_000, 2, 3, dtype=torch.bool)
    full[:, 1, 2] = False
    half = full.clone()
    half[:, 0] = False  # 2 of 5 are left: 10 ways
    drawn = nulls.nested_random_masks([[full], [half]], rng(0, "test"))[1][0]
    ways = Counter(map(tuple, drawn.flatten(1).int().tolist()))
    assert len(ways) == 10 and not drawn[:, 1, 2].any()
    assert stats.chisquare(list(ways.values())).pvalue > 0.001


def test_a_stream_fixes_the_masks_and_another_one_draws_others():
    given = nested_levels(np.random.default_rng(0), (4, 9, 2), members=2)
    for draw in (nulls.nested_random_masks, lambda g, s: [nulls.degree_preserving(g[1], s)]):
        first, again, other = (draw(given, rng(seed, "test"))[-1] for seed in (0, 0, 1))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_what_cannot_be_drawn_is_refused():
    few, many = ([torch.tensor([[[left, True]]])] for left in (False, True))
    with pytest.raises(SpecError, match="more weights at level 1"):
        nulls.nested_random_masks([few, many], rng(0, "test"))
    kernels = [torch.ones(1, 2, 1, 3, 3, dtype=torch.bool), torch.ones(1, 2, 8, dtype=torch.bool)]
    with pytest.raises(SpecError, match="dense layers only"):
        nulls.degree_preserving(kernels, rng(0, "test"))


@pytest.mark.parametrize("at_once", [1, 100, nulls.AT_ONCE])
def test_every_unit_keeps_its_degrees(monkeypatch, at_once):
    monkeypatch.setattr(nulls, "AT_ONCE", at_once)
    stream = np.random.default_rng(0)
    moved = 0
    for _ in range(20):
        shape = random_shape(stream, random_tasks(stream), widest=12)
        given = random_masks(stream, shape, members=3)
        for mask, drawn in zip(given, nulls.degree_preserving(given, stream), strict=True):
            assert torch.equal(mask.sum(1), drawn.sum(1))
            assert torch.equal(mask.sum(2), drawn.sum(2))
            moved += int((mask & ~drawn).sum())
    assert moved > 100


@pytest.mark.parametrize("turned", [False, True])
def test_all_graphs_of_these_degrees_are_equally_likely(turned):
    graph = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 1]], bool)
    degrees = graph.sum(0).tolist(), graph.sum(1).tolist()
    ways = {}
    for bits in itertools.product([False, True], repeat=12):
        other = np.array(bits).reshape(3, 4)
        if (other.sum(0).tolist(), other.sum(1).tolist()) == degrees:
            ways[bits] = 0
    given = torch.from_numpy(np.tile(graph.T if turned else graph, (20_000, 1, 1)))
    (drawn,) = nulls.degree_preserving([given], rng(0, "test"))
    drawn = drawn.swapaxes(1, 2) if turned else drawn
    for bits in map(tuple, drawn.flatten(1).tolist()):
        ways[bits] += 1
    assert len(ways) > 10 and stats.chisquare(list(ways.values())).pvalue > 0.001


def test_the_chain_has_forgotten_its_start(monkeypatch):
    """From blocks, the start farthest from chance, more trades lead no further."""
    blocks = torch.zeros(300, 40, 40, dtype=torch.bool)
    blocks[:, :20, :20] = blocks[:, 20:, 20:] = True
    blocks &= torch.from_numpy(np.random.default_rng(0).random(blocks.shape) < 0.2)
    shares = {}
    for trades in (1, nulls.GLOBAL_TRADES, 5 * nulls.GLOBAL_TRADES):
        monkeypatch.setattr(nulls, "GLOBAL_TRADES", trades)
        (drawn,) = nulls.degree_preserving([blocks], rng(0, "test"))
        inside = drawn[:, :20, :20].sum() + drawn[:, 20:, 20:].sum()
        shares[trades] = (inside / blocks.sum()).item()
    first, usual, longer = shares.values()
    assert first > 0.6 and abs(usual - longer) < 0.01


# runs beside their nulls


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Six small runs on two draws of the points."""
    store = Store(tmp_path_factory.mktemp("store"))
    specs = []
    for draw, seed in itertools.product(range(2), range(3)):
        points = data.spec("moons_circles", n_samples=60, seed=draw)
        prune = PruneSpec(rate=0.5, levels=4, schedule="extension")
        train = TrainSpec(max_epochs=3)
        specs.append(RunSpec(points, base=(4, 3, 3, 2), seed=seed, train=train, prune=prune))
    sweep.run(specs, store, progress=None)
    return store, [run_id(spec) for spec in specs]


def test_the_runs_rows_are_those_of_the_store(finished):
    store, runs = finished
    found = study.structure(store, runs, nulls=2)
    own = found[found["kind"] == "run"].reset_index(drop=True)
    table = store.table().sort_values(["run", "level"], ignore_index=True)
    for column in ("run", "level", "available", "active", "inactive", "zombie", "status"):
        assert own[column].tolist() == table[column].tolist()
    assert own["draw"].tolist() == table["data.seed"].tolist()
    assert set(found["repeat"][found["kind"] != "run"]) == {0, 1}
    assert len(found) == 5 * len(own)
    for at in (row for row in own.itertuples() if row.level == 3):
        masks, tasks = store.masks(at.run)[3], store.history(at.run).tasks
        shares = decided(masks, tasks, seen_from="inputs")[0]
        columns = [getattr(at, f"decided_inputs_{n}") for n in range(4)]
        np.testing.assert_array_equal(columns, shares)
        active = [int((states == 1).sum()) for states in weight_states(masks)]
        assert [at.active_0, at.active_1, at.active_2] == active


def test_nulls_have_the_runs_available_weights_and_do_not_depend_on_company(finished, monkeypatch):
    store, runs = finished
    found = study.structure(store, runs)
    counts = found.pivot_table(index=["run", "level"], columns="kind", values="available")
    assert (counts["run"] == counts["counts"]).all() and (counts["run"] == counts["degrees"]).all()
    monkeypatch.setattr(study, "AT_ONCE", 100)
    alone = pd.concat([study.structure(store, [run]) for run in sorted(runs)], ignore_index=True)
    pd.testing.assert_frame_equal(found, alone, check_categorical=False)


def test_levels_too_large_for_the_second_null_are_missing(finished, monkeypatch):
    store, runs = finished
    monkeypatch.setattr(study, "MOST_WEIGHTS", 100)
    found = study.structure(store, runs).query("kind == 'degrees'")
    large = found["available"] > 100
    assert large.any() and not large.all()
    assert found[large]["status"].isna().all() and found[~large]["status"].notna().all()
    assert study.compare_to_null(found.assign(kind="run"), ["level"]).empty
    excess = study.compare_to_null(study.structure(store, runs), ["level"], ["active", "separated"])
    empty = excess[(excess["null"] == "degrees") & (excess["level"] == 0)]
    assert empty["excess"].isna().all() and (empty["left_out"] == 6).all()
    pruned = found.groupby("level").size()  # runs that degraded stop
    assert excess.query("null == 'counts' and measure == 'active'")["runs"].tolist() == list(pruned)


def made_up(values, status="separated"):
    """One level of runs on two draws with a null of each kind; values: (draw, run, null)."""
    rows = []
    for n, (draw, own, null) in enumerate(values):
        for kind, active, word in (
            ("run", own, status),
            ("counts", null, "degraded"),
            ("degrees", null, "interconnected"),
        ):
            row = {"run": f"r{n}", "draw": draw, "base": "4-2", "levels": 1, "level": 1}
            row |= {"kind": kind, "repeat": 0, "available": 10, "active": active, "inactive": 0}
            row |= {"zombie": 10 - active, "subnetworks": 1, "status": word, "active_0": active}
            rows.append(row | {"decided_outputs_0": 1.0 if active else np.nan})
    return pd.DataFrame(rows)


def test_the_excess_is_that_of_each_run_over_its_own_null_averaged_over_draws():
    table = made_up([(0, 8, 2), (0, 6, 2), (1, 9, 0), (2, 7, 1), (3, 9, 1), (4, 8, 1)])
    found = study.compare_to_null(table, ["levels"]).set_index(["null", "measure"])
    row = found.loc["counts", "active"]
    assert (row["run"], row["null_mean"], row["excess"]) == pytest.approx((0.8, 0.1, 0.7))
    assert row["excess_low"] < 0.7 < row["excess_high"] and row["draws"] == 5
    assert found.loc["counts", "covered"]["excess"] == 1
    assert found.loc["degrees", "separated"]["excess"] == 1
    left = found.loc["counts", "decided_outputs_0"]
    assert (left["runs"], left["left_out"]) == (5, 1)


def test_where_runs_and_nulls_separate():
    table = made_up([(0, 8, 2), (1, 6, 2)])
    table = pd.concat([table.assign(level=0, status="interconnected"), table])
    first = study.separations(table).set_index(["run", "kind"])
    assert first.loc["r0", "run"]["level"] == 1 and first.loc["r0", "run"]["active"] == 8
    assert first["level"].notna().sum() == 2


def test_no_runs_make_empty_tables(finished):
    empty = study.structure(finished[0], [])
    for table in (study.compare_to_null(empty, ["levels"]), study.separations(empty)):
        assert table.empty and "levels" in table


def test_the_order_of_layers_is_that_of_the_mean_over_common_levels(finished):
    rows = []
    for level, kind, first, last in (
        (0, "run", 0.0, 0.5),
        (0, "counts", 0.1, 0.1),
        (1, "run", 1.0, 0.9),
        (1, "counts", 0.4, 0.5),
        (2, "run", 1.0, 0.0),
        (2, "counts", np.nan, np.nan),
    ):
        row = {"run": "r", "kind": kind, "repeat": 0, "base": "b", "levels": 2, "draw": 0}
        shares = {f"decided_outputs_{n}": share for n, share in enumerate((0, first, last, 1))}
        rows.append(row | {"level": level} | shares)
    found = study.layer_order(pd.DataFrame(rows)).set_index("kind")
    assert found.loc["run", ["decided_1", "decided_2"]].tolist() == pytest.approx([0.5, 0.7])
    assert found["ordered"].all()
    backwards = pd.DataFrame(rows).assign(decided_outputs_2=0.3)
    assert not study.layer_order(backwards).set_index("kind").loc["run", "ordered"]
    real = study.layer_order(study.structure(*finished), seen_from="inputs")
    assert len(real) and set(real["kind"]) <= set(study.KINDS)
    assert study.layer_order(study.structure(finished[0], [])).empty

"""Which weights survive and how many: exact counts, whatever the ties."""

import csv
from fractions import Fraction
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
import torch

from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError
from lth_utils.networks.layers import n_weights
from lth_utils.pruning import (
    CRITERIA,
    NEED_GRADIENTS,
    extend,
    keep_largest,
    plan,
    prune,
    trajectory,
)

SHAPE = (4, 7, 5, 2)  # 28, 35 and 10 weights


def scores_with_ties(rng, members=4, weights=60):
    """Random scores of few distinct values, and masks."""
    scores = torch.from_numpy(rng.integers(0, 5, (members, weights)).astype(np.float32))
    return scores, torch.from_numpy(rng.random((members, weights)) < 0.7)


# which


def test_the_largest_stay_and_among_ties_the_lower_index():
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores, masks = scores_with_ties(rng)
        keep = int(rng.integers(0, masks.sum(1).min() + 1))
        for score, mask, kept in zip(scores, masks, keep_largest(scores, masks, keep), strict=True):
            available = [w for w in range(len(mask)) if mask[w]]
            expected = sorted(available, key=lambda w: (-score[w], w))[:keep]
            assert kept.nonzero().flatten().tolist() == sorted(expected)


def test_when_all_scores_are_equal_the_count_is_exact_and_the_lowest_indices_stay():
    kept = keep_largest(torch.zeros(2, 1000), torch.ones(2, 1000, dtype=torch.bool), 137)
    assert kept[:, :137].all() and not kept[:, 137:].any()


def test_keep_none_and_keep_all():
    scores, masks = torch.rand(1, 60), torch.rand(1, 60) < 0.5
    assert not keep_largest(scores, masks, 0).any()
    assert torch.equal(keep_largest(scores, masks, int(masks.sum())), masks)


@pytest.mark.parametrize("keep", [-1, 4, 2.5])
def test_a_count_that_cannot_be_kept_is_refused(keep):
    with pytest.raises(SpecError, match=r"allowed: 0 to 3|expected int"):
        keep_largest(
            torch.rand(2, 5),
            torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool),
            keep,
        )


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_scores_that_are_not_finite_are_refused_unless_pruned(bad):
    scores, masks = torch.tensor([[1.0, bad, 3.0]]), torch.tensor([[True, True, True]])
    with pytest.raises(SpecError, match="finite"):
        keep_largest(scores, masks, 2)
    masks[0, 1] = False
    assert keep_largest(scores, masks, 1).tolist() == [[False, False, True]]


def test_shapes_and_types_that_do_not_fit_are_refused():
    for scores, masks in (
        (torch.rand(1, 4), torch.ones(1, 5, dtype=torch.bool)),
        (torch.rand(4), torch.ones(4, dtype=torch.bool)),
        (torch.rand(1, 4), torch.ones(1, 4)),
    ):
        with pytest.raises(SpecError, match=r"expected \[M, W\]"):
            keep_largest(scores, masks, 1)


@pytest.mark.parametrize("criterion", sorted(set(CRITERIA) - set(NEED_GRADIENTS)))
@pytest.mark.parametrize("scope", ["global", "layer", "erk"])
@pytest.mark.parametrize("alive", [False, True])
def test_masks_are_nested_and_counts_exact_along_a_trajectory(criterion, scope, alive):
    masks, seeds = torch.ones(3, n_weights(SHAPE), dtype=torch.bool), (0, 4, 8)
    for level, keep in enumerate(trajectory(n_weights(SHAPE), rate=0.3, levels=5)[1:], start=1):
        weights = torch.randn(masks.shape, generator=torch.Generator().manual_seed(level)) * masks
        kept = prune(
            weights,
            masks,
            keep,
            shape=SHAPE,
            seeds=seeds,
            level=level,
            initial=torch.ones_like(weights),
            spec=PruneSpec(levels=0, criterion=criterion, scope=scope, alive=alive),
        )
        assert kept.sum(1).tolist() == [keep] * 3
        assert not (kept & ~masks).any()
        masks = kept


def test_magnitude_prunes_the_smallest_absolute_values():
    weights, masks = torch.tensor([[-5.0, 1.0, -0.5, 3.0]]), torch.ones(1, 4, dtype=torch.bool)
    assert prune(weights, masks, 2, shape=(2, 2), seeds=[0], level=1).tolist() == [
        [True, False, False, True]
    ]


def test_movement_and_growth_ask_where_a_weight_came_from():
    weights, initial = torch.tensor([[3.0, 1.0, -2.0, 0.5]]), torch.tensor([[2.9, -1.0, -1.0, 0.6]])
    masks = torch.ones(1, 4, dtype=torch.bool)
    for criterion, kept in (
        ("movement", [False, True, True, False]),
        ("magnitude_increase", [True, False, True, False]),
    ):
        spec = PruneSpec(levels=0, criterion=criterion)
        assert prune(
            weights, masks, 2, shape=(2, 2), seeds=[0], level=1, initial=initial, spec=spec
        ).tolist() == [kept]


def test_alive_pruning_takes_what_is_on_no_path_first():
    # 2-2-1: the second hidden unit leads nowhere, so its two large weights go first
    masks = torch.tensor([[True, True, True, True, True, False]])
    weights = torch.tensor([[0.1, 0.2, 9.0, 8.0, 0.3, 0.0]])

    def pruned(keep, alive):
        return prune(
            weights,
            masks,
            keep,
            shape=(2, 2, 1),
            seeds=[0],
            level=1,
            spec=PruneSpec(levels=0, alive=alive),
        )[0].tolist()

    assert pruned(3, True) == [True, True, False, False, True, False]
    assert pruned(4, True) == [True, True, True, False, True, False]
    assert pruned(3, False) == [False, False, True, True, True, False]


@pytest.mark.parametrize("keep", [60, 47, 33, 18])
def test_layer_scope_keeps_the_same_share_of_each_layer(keep):
    dense = torch.ones(2, n_weights(SHAPE), dtype=torch.bool)
    kept = prune(
        torch.randn(dense.shape),
        dense,
        keep,
        shape=SHAPE,
        seeds=[0, 1],
        level=1,
        spec=PruneSpec(levels=0, scope="layer"),
    )
    assert kept.sum(1).tolist() == [keep, keep]
    exact = [Fraction(n * keep, 73) for n in (28, 35, 10)]
    expected = [int(share) for share in exact]
    for layer in sorted(range(3), key=lambda n: int(exact[n]) - exact[n])[: keep - sum(expected)]:
        expected[layer] += 1
    assert [m.sum(1).tolist() for m in kept.split([28, 35, 10], 1)] == [[n, n] for n in expected]


def test_layer_scope_refuses_to_empty_a_layer():
    with pytest.raises(SpecError, match="would empty layer 2"):
        prune(
            torch.rand(1, 73),
            torch.ones(1, 73, dtype=torch.bool),
            3,
            shape=SHAPE,
            seeds=[0],
            level=1,
            spec=PruneSpec(levels=0, scope="layer"),
        )


def test_random_pruning_depends_on_seed_and_level_alone():
    def pruned(weights, seeds, level):
        masks = torch.ones(len(seeds), 73, dtype=torch.bool)
        return prune(
            weights.expand(len(seeds), -1),
            masks,
            30,
            shape=SHAPE,
            seeds=seeds,
            level=level,
            spec=PruneSpec(levels=0, criterion="random"),
        )

    kept = pruned(torch.rand(73), (1, 2), 1)
    assert torch.equal(kept[1:], pruned(torch.zeros(73), (2,), 1))
    assert not torch.equal(kept[0], kept[1])
    assert not torch.equal(kept, pruned(torch.rand(73), (1, 2), 2))


def test_an_unknown_criterion_gets_the_nearest_guess():
    with pytest.raises(SpecError, match="did you mean magnitude"):
        prune(
            torch.rand(1, 73),
            torch.ones(1, 73, dtype=torch.bool),
            3,
            shape=SHAPE,
            seeds=[0],
            level=1,
            spec=PruneSpec(levels=0, criterion="magnitud"),
        )


# how many


@pytest.mark.parametrize(
    ("n", "rate", "levels"),
    [
        (3591, 0.32, 9),
        (1000, 0.5, 4),
        (112, 0.2, 12),
        (1723960, 0.32, 25),
        (7, 0.9, 3),
        (5, 0.1, 0),
    ],
)
def test_rate_and_levels_give_the_rounded_powers(n, rate, levels):
    assert trajectory(n, rate=rate, levels=levels) == [
        round(n * (1 - Fraction(str(rate))) ** i) for i in range(levels + 1)
    ]


@pytest.mark.parametrize("levels", [1, 2, 7, 20])
@pytest.mark.parametrize(
    ("n", "target"), [(3591, 112), (1723960, 112), (113, 112), (112, 112), (50, 1)]
)
def test_levels_and_target_start_and_end_exactly_and_fall_by_one_rate(n, levels, target):
    counts = trajectory(n, levels=levels, target=target)
    assert (len(counts), counts[0], counts[-1]) == (levels + 1, n, target)
    for i, count in enumerate(counts):
        assert abs(count - n * (target / n) ** (i / levels)) <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("n", "rate", "target", "expected"),
    [
        (1000, 0.5, 250, [1000, 500, 250]),
        (1000, 0.5, 240, [1000, 500, 240]),
        (1000, 0.1, 999, [1000, 999]),
        (1000, 0.5, 1000, [1000]),
    ],
)
def test_rate_and_target_end_at_the_target(n, rate, target, expected):
    assert trajectory(n, rate=rate, target=target) == expected


def test_counts_never_grow():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(1, 5000))
        target, rate, levels = (
            int(rng.integers(1, n + 1)),
            rng.uniform(0.01, 0.99),
            int(rng.integers(1, 25)),
        )
        for given in (
            {"rate": rate, "levels": levels},
            {"rate": rate, "target": target},
            {"levels": levels, "target": target},
        ):
            counts = trajectory(n, **given)
            assert counts[0] == n and all(a >= b for a, b in pairwise(counts))
            assert counts[-1] == given.get("target", counts[-1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": 0, "levels": 3}, "above 0 and below 1"),
        ({"rate": 1, "levels": 3}, "above 0 and below 1"),
        ({"rate": -0.2, "target": 10}, "above 0 and below 1"),
        ({"rate": float("nan"), "levels": 3}, "rate is nan"),
        ({"rate": 0.3, "levels": -1}, "0 or more"),
        ({"rate": 0.3, "levels": 2.5}, "expected int"),
        ({"rate": 0.3, "target": 0}, "1 or more"),
        ({"levels": 3, "target": 101}, "target 101 is above the number of weights, 100"),
        ({"levels": 0, "target": 50}, "without a pruning no target"),
        ({"levels": 3}, "exactly two of rate, levels and target; given: levels"),
        ({}, "given: none"),
        ({"rate": 0.3, "levels": 3, "target": 50}, "given: rate, levels, target"),
    ],
)
def test_trajectories_that_are_not_defined_are_refused(given, message):
    with pytest.raises(SpecError, match=message):
        trajectory(100, **given)


def test_a_network_without_weights_is_refused():
    with pytest.raises(SpecError, match="n_weights is 0"):
        trajectory(0, rate=0.5, levels=1)


# the networks of the thesis


def thesis_table(network):
    """Hidden width and weights per extension level, as the thesis lists them."""
    text = (
        resources.files("lth_utils.studies")
        .joinpath("thesis/trajectory.csv")
        .read_text(encoding="utf-8")
    )
    return [
        (int(r["hidden_width"]), int(r["weights"]))
        for r in csv.DictReader(text.splitlines())
        if r["network"] == network
    ]


@pytest.mark.parametrize(
    ("network", "base", "levels"),
    [
        ("1", (4, 20, 2), range(17)),
        ("2", (4, 8, 8, 2), range(26)),
        ("3mini", (4, 4, 4, 4, 2), range(19)),
        ("3", (4, 4, 4, 4, 2), range(2, 19)),
    ],
)
def test_extended_networks_are_those_of_the_thesis(network, base, levels):
    shapes = extend(base, 0.32, levels[-1])[levels[0] :]
    assert [(s[1], n_weights(s)) for s in shapes] == thesis_table(network)
    assert all(s == (4, *[s[1]] * (len(base) - 2), 2) for s in shapes)


@pytest.mark.parametrize("shape", [(4, 8, 9, 2), (4, 2), (4, 8, 8, 4, 2)])
def test_networks_of_unequal_width_cannot_be_extended(shape):
    with pytest.raises(SpecError, match="all of equal width"):
        extend(shape, 0.32, 3)


@pytest.mark.parametrize(("rate", "levels"), [(0, 3), (1, 3), (0.3, -1), (0.3, None), (None, 3)])
def test_extensions_by_impossible_rates_or_levels_are_refused(rate, levels):
    with pytest.raises(SpecError, match="PruneSpec"):
        extend((4, 8, 8, 2), rate, levels)


def test_plan_of_an_extension_runs_through_the_extended_networks_back_to_the_base():
    spec = RunSpec(
        DataSpec(), base=(4, 8, 8, 2), prune=PruneSpec(rate=0.32, levels=9, schedule="extension")
    )
    assert plan(spec) == ((4, 57, 57, 2), [n for _, n in thesis_table("2")[9::-1]])


def test_plan_of_a_rate_starts_at_the_base_itself():
    spec = RunSpec(DataSpec(), base=(4, 57, 57, 2), prune=PruneSpec(levels=3, target=112))
    assert plan(spec) == ((4, 57, 57, 2), [3591, 1130, 356, 112])

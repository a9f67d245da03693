"""The pruning loop: exact counts, nested masks, a true rewind, members that leave, resuming."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from lth_utils import connectivity, imp, pruning
from lth_utils.config import PruneSpec, TrainSpec
from lth_utils.networks import population
from lth_utils.networks.layers import n_weights
from lth_utils.pruning import trajectory
from lth_utils.training import trainer

SHAPE, SEEDS = (4, 8, 6, 2), (3, 0, 7, 5)
KEEP = trajectory(n_weights(SHAPE), rate=0.35, levels=6)
TRAIN = TrainSpec(lr=0.02, batch_size=40, patience=3, max_epochs=12)
PRUNE = PruneSpec(rate=0.35, levels=6)


def levels(data, seeds=SEEDS, prune=PRUNE, stop_at=(), **options):
    return list(
        imp.run(population.init(SHAPE, seeds), data, KEEP, TRAIN, prune, stop_at=stop_at, **options)
    )


@pytest.fixture(scope="module")
def all_levels(toy):
    """All levels of all members."""
    return levels(toy)


def test_every_level_has_exactly_the_weights_of_the_trajectory(all_levels):
    assert [level.level for level in all_levels] == list(range(7))
    for level, keep in zip(all_levels, KEEP, strict=True):
        assert level.population.mask.sum(1).tolist() == [keep] * 4
        assert [m.available for m in level.measures] == [keep] * 4
        assert not level.population.parameters[:, : n_weights(SHAPE)][~level.population.mask].any()


def test_each_mask_keeps_the_largest_trained_weights_of_the_mask_before(all_levels):
    for before, after in pairwise(all_levels):
        for trained, old, new in zip(
            before.population.parameters, before.population.mask, after.population.mask, strict=True
        ):
            assert not (new & ~old).any()
            size = trained[: len(old)].abs()
            assert size[new].min() >= size[old & ~new].max()


def test_every_level_is_trained_from_the_initial_weights_and_biases(all_levels, toy):
    dense = population.init(SHAPE, SEEDS)
    for level in all_levels:
        assert torch.equal(level.population.initial, dense.initial)
        again, training = trainer.train(population.rewind(dense, level.population.mask), toy, TRAIN)
        assert torch.equal(again.parameters, level.population.parameters)
        assert training.curves == level.training.curves


def test_measures_are_those_of_the_masks(all_levels, toy):
    for level in all_levels:
        assert [m.status for m in level.measures] == connectivity.status(
            level.population.masks, toy.tasks
        )


def test_a_batched_member_equals_the_member_alone(all_levels, toy):
    for batched, alone in zip(all_levels, levels(toy, seeds=SEEDS[2:3]), strict=True):
        assert torch.equal(batched.population.mask[2], alone.population.mask[0])
        assert torch.equal(batched.population.parameters[2], alone.population.parameters[0])


def test_members_leave_after_the_level_at_which_they_degrade(all_levels, toy):
    """Those that stay do not change by it, and the run ends when none is left."""
    expected, staying = [], SEEDS
    for level in all_levels:
        if staying:
            expected.append(staying)
        status = dict(zip(SEEDS, [m.status for m in level.measures], strict=True))
        staying = tuple(seed for seed in staying if status[seed] != "degraded")
    assert 0 < len(expected[-1]) < 4 and len(expected) < 7, (
        "members should leave at different levels, the last one early"
    )
    stopped = levels(toy, stop_at=("degraded",))
    assert [level.population.seeds for level in stopped] == expected
    for level, whole in zip(stopped, all_levels, strict=False):
        for m, seed in enumerate(level.population.seeds):
            expected_values = whole.population.parameters[SEEDS.index(seed)]
            assert torch.equal(level.population.parameters[m], expected_values)


def test_the_run_ends_with_its_last_member(toy):
    assert len(levels(toy, stop_at=connectivity.STATUSES)) == 1


def test_members_whose_loss_is_not_finite_leave(toy):
    members = population.init(SHAPE, SEEDS)
    members.parameters[1] = torch.nan
    first, second = list(imp.run(members, toy, KEEP[:2], TRAIN, PRUNE, stop_at=()))
    assert first.failed == [False, True, False, False]
    assert second.population.seeds == (3, 7, 5) and not any(second.failed)


def test_rewinding_goes_back_to_an_early_epoch_of_the_dense_training(toy):
    dense, *pruned = levels(toy, prune=replace(PRUNE, rewind=2))
    start = population.init(SHAPE, SEEDS)
    early, _ = trainer.train(start, toy, replace(TRAIN, max_epochs=2, patience=2))
    assert all(torch.equal(level.population.initial, early.parameters) for level in pruned)
    from_start, _ = trainer.train(start, toy, TRAIN)
    assert torch.equal(dense.population.parameters, from_start.parameters)
    alone = population.rewind(replace(start, initial=early.parameters), pruned[0].population.mask)
    from_early, _ = trainer.train(alone, toy, TRAIN)
    assert torch.equal(pruned[0].population.parameters, from_early.parameters)


def test_one_shot_prunes_every_level_from_the_dense_network(toy):
    whole = levels(toy, prune=replace(PRUNE, one_shot=True))
    size = whole[0].population.parameters[:, : n_weights(SHAPE)].abs()
    for level, keep in zip(whole, KEEP, strict=True):
        expected = pruning.keep_largest(size, torch.ones_like(level.population.mask), keep)
        assert torch.equal(level.population.mask, expected)
        assert torch.equal(level.population.initial, population.init(SHAPE, SEEDS).initial)
        assert torch.equal(level.last, whole[0].population.parameters)


def test_kept_biases_are_those_of_the_level_before_and_weights_are_reset(toy):
    whole = levels(toy, prune=replace(PRUNE, biases="kept"))
    weights, dense = n_weights(SHAPE), population.init(SHAPE, SEEDS).initial
    assert whole[0].population.parameters[:, weights:].any()
    for before, level in pairwise(whole):
        assert torch.equal(
            level.population.initial[:, weights:], before.population.parameters[:, weights:]
        )
        assert torch.equal(level.population.initial[:, :weights], dense[:, :weights])


@pytest.mark.parametrize(
    "prune",
    [
        PRUNE,
        replace(PRUNE, criterion="random"),
        replace(PRUNE, scope="layer"),
        replace(PRUNE, criterion="movement", alive=True),
        replace(PRUNE, rewind=2),
        replace(PRUNE, one_shot=True),
        replace(PRUNE, biases="kept"),
    ],
    ids=["magnitude", "random", "layer", "movement", "rewind", "one-shot", "kept biases"],
)
def test_a_resumed_run_equals_the_whole_run_bit_for_bit(toy, prune):
    whole = levels(toy, seeds=(1, 2), prune=prune)
    last = whole[2].population
    rewound = population.rewind(population.init(SHAPE, (1, 2)), last.mask)
    rest = list(imp.run(rewound, toy, KEEP, TRAIN, prune, stop_at=(), start=3, last=whole[2].last))
    assert [level.level for level in rest] == [3, 4, 5, 6]
    for expected, level in zip(whole[3:], rest, strict=True):
        assert torch.equal(level.population.mask, expected.population.mask)
        assert torch.equal(level.population.parameters, expected.population.parameters)
        assert level.training.curves == expected.training.curves
        np.testing.assert_array_equal(level.training.score, expected.training.score)

"""Paths inside blocks and partitions: a planted one is found, and chance is not."""

import itertools

import numpy as np
import pytest
import torch
from oracles import random_masks, random_shape, random_tasks

import lth_utils as lth
from lth_utils.config import SpecError, rng
from lth_utils.connectivity import (
    block_share,
    block_share_excess,
    partition_index,
    path_counts,
)

TASKS = [lth.Task("a", range(0, 2), [0]), lth.Task("b", range(2, 4), [1])]
SHARED = [lth.Task("a", [0, 1], [0]), lth.Task("b", [1, 2], [1])]


def planted(members, share=0.6, cross=0.0, width=20):
    """Masks whose weights are inside two blocks, but for a share of those across."""
    stream = np.random.default_rng(0)
    masks = []
    for outputs, inputs in ((width, 4), (width, width), (2, width)):
        rows, columns = np.arange(outputs) < outputs // 2, np.arange(inputs) < inputs // 2
        chance = np.where(rows[:, None] == columns, share, cross * share)
        masks.append(torch.from_numpy(stream.random((members, outputs, inputs)) < chance))
    return masks


def test_paths_are_those_that_enumeration_finds():
    stream = np.random.default_rng(0)
    for _ in range(20):
        shape = random_shape(stream, random_tasks(stream))
        masks = random_masks(stream, shape, members=2)
        counts = path_counts(masks)
        for m in range(2):
            found = np.zeros((shape[-1], shape[0]))
            for units in itertools.product(*map(range, shape)):
                steps = itertools.pairwise(units)
                if all(mask[m, b, a] for mask, (a, b) in zip(masks, steps, strict=True)):
                    found[units[-1], units[0]] += 1
            np.testing.assert_array_equal(counts[m], found)


def test_a_planted_partition_is_found():
    masks = planted(30)
    assert (block_share(masks, TASKS) == 1).all()
    assert (partition_index(masks, TASKS) == 1).all()
    for null in ("counts", "degrees"):
        excess = block_share_excess(masks, TASKS, rng(0, "test"), null=null)
        assert abs(excess.mean() - 0.5) < 0.03  # chance puts half of the paths into the blocks


def test_a_partly_planted_one_is_graded():
    excess = []
    for cross in (0.0, 0.3, 0.6, 1.0):
        masks = planted(30, cross=cross)
        excess.append(block_share_excess(masks, TASKS, rng(0, "test")).mean())
        if cross:
            assert partition_index(masks, TASKS).max() < 1
    assert excess == sorted(excess, reverse=True)


@pytest.mark.parametrize("null", ["counts", "degrees"])
def test_chance_is_no_partition(null):
    stream = np.random.default_rng(1)
    shapes = ((20, 4), (20, 20), (2, 20))
    masks = [torch.from_numpy(stream.random((200, *shape)) < 0.2) for shape in shapes]
    excess = block_share_excess(masks, TASKS, rng(0, "test"), null=null)
    error = excess.std() / np.sqrt(len(excess))
    assert abs(excess.mean()) < 3 * error < 0.05
    assert abs(partition_index(masks, TASKS).mean()) < 0.05


def test_shared_inputs_belong_to_both_blocks_and_to_no_part():
    masks = [torch.tensor([[[1, 1, 0], [0, 1, 1]]], dtype=torch.bool)]
    assert block_share(masks, SHARED) == [1.0]
    assert partition_index(masks, SHARED) == [1.0]
    joined = [torch.ones(1, 2, 3, dtype=torch.bool)]
    assert block_share(joined, SHARED) == [pytest.approx(4 / 6)]
    assert partition_index(joined, SHARED) == [0.0]


def test_a_task_that_does_not_say_its_inputs_may_need_any():
    joined = [torch.ones(1, 2, 4, dtype=torch.bool)]
    unsaid = [lth.Task("a", [], [0]), TASKS[1]]
    assert block_share(joined, unsaid) == [pytest.approx(6 / 8)]
    assert lth.graded(joined, unsaid)[0].block_share == pytest.approx(6 / 8)


def test_what_is_in_no_subnetwork_is_a_part_of_its_own():
    mask = torch.tensor([[[1, 0, 0, 0], [0, 0, 1, 0]]], dtype=torch.bool)
    index = partition_index([mask], TASKS)[0]
    assert 0 < index < 1


def test_without_paths_there_is_no_share():
    empty = [torch.zeros(1, 2, 4, dtype=torch.bool)]
    assert np.isnan(block_share(empty, TASKS)).all()
    assert np.isnan(block_share_excess(empty, TASKS, rng(0, "test"))).all()


def test_what_makes_no_sense_is_refused():
    masks = planted(1)
    with pytest.raises(SpecError, match="draws is 0"):
        block_share_excess(masks, TASKS, rng(0, "test"), draws=0)
    with pytest.raises(SpecError, match=r"null is 'degree'.*did you mean degrees"):
        block_share_excess(masks, TASKS, rng(0, "test"), null="degree")
    with pytest.raises(SpecError, match="inputs reach to 9"):
        block_share(masks, [lth.Task("a", range(0, 9), [0])])

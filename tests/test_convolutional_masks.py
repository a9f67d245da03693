"""Masks of convolutional networks: exact pruning, and their graph against networkx."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from convolution_cases import LENET, SMALL
from oracles import ConvolutionalStructure, flat, separating_masks

from lth_utils import connectivity, pruning
from lth_utils.config import (
    PruneSpec,
    SpecError,
)
from lth_utils.connectivity import ACTIVE, INACTIVE, ZOMBIE
from lth_utils.data import Task
from lth_utils.networks import layers
from lth_utils.networks.population import init

# pruning


@pytest.mark.parametrize("alive", [False, True])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_counts_are_exact_and_masks_nested(scope, alive):
    members, counts = init(LENET, [0, 1]), pruning.trajectory(61770, rate=0.4, levels=6)
    mask, sizes = members.mask, [450, 2400, 48000, 10080, 840]
    for level, keep in enumerate(counts[1:], start=1):
        spec = PruneSpec(levels=0, scope=scope, alive=alive)
        smaller = pruning.prune(
            members.parameters[:, :61770],
            mask,
            keep,
            shape=LENET,
            seeds=(0, 1),
            level=level,
            spec=spec,
        )
        assert smaller.sum(1).tolist() == [keep] * 2 and not (smaller & ~mask).any()
        if scope == "layer":
            for layer, size in zip(smaller.split(sizes, 1), sizes, strict=True):
                assert layer.sum(1) == pytest.approx(size * keep / 61770, abs=level)
        mask = smaller


def test_alive_pruning_takes_kernels_on_no_path_first():
    members = init(SMALL, [0])
    mask = members.mask.clone()
    mask[:, 54 + 36 : 54 + 48] = False  # the last channel gets no input
    keep = int(mask.sum()) - 7 * 4  # its features' weights, and no others, are on no path
    smaller = pruning.prune(
        members.parameters[:, :242],
        mask,
        keep,
        shape=SMALL,
        seeds=(0,),
        level=1,
        spec=PruneSpec(levels=0, alive=True),
    )
    states = flat(connectivity.weight_states(layers.split_mask(mask, SMALL)))
    assert (states == ZOMBIE).sum() == 28 and torch.equal(smaller, states == ACTIVE)


# structure


def case(number):
    """Four random members' convolutional masks, their tasks, and the oracle of each member."""
    stream = np.random.default_rng(number)
    n, side, features = (
        int(stream.integers(1, 4)),
        int(stream.integers(1, 4)),
        int(stream.integers(1, 4)),
    )
    inputs, outputs = stream.integers(1, 3, n), stream.integers(1, 3, n)
    first_in, first_out = np.cumsum(inputs) - inputs, np.cumsum(outputs) - outputs
    owned = [
        Task(
            f"t{k}",
            range(first_in[k], first_in[k] + inputs[k]),
            range(first_out[k], first_out[k] + outputs[k]),
        )
        for k in range(n)
    ]
    tasks = [
        Task(t.name, range(t.inputs.start * side**2, t.inputs.stop * side**2), t.outputs)
        for t in owned
    ]
    front = int(stream.integers(1, 3))
    units = [
        int(inputs.sum()),
        *map(int, stream.integers(n, n + 3, front + int(stream.integers(0, 2)))),
        int(outputs.sum()),
    ]
    apart = (
        separating_masks(units, owned, 4)
        if number % 2
        else [torch.ones(4, o, i, dtype=torch.bool) for i, o in pairwise(units)]
    )
    masks, low = [], 0.7 if number % 4 == 3 else 0.02
    for layer, allowed in enumerate(apart):
        kernel = int(stream.integers(1, 4))
        if layer < front:
            allowed = allowed[..., None, None].expand(-1, -1, -1, kernel, kernel)
        elif layer == front:
            allowed = allowed.repeat_interleave(features, 2)
        density = stream.uniform(low, 1, (4, *[1] * (allowed.ndim - 1)))
        masks.append(allowed & torch.from_numpy(stream.random(allowed.shape) < density))
    oracles = [ConvolutionalStructure([m[k] for m in masks], owned) for k in range(4)]
    return SimpleNamespace(masks=masks, tasks=tasks, oracles=oracles, units=units)


@pytest.fixture(scope="module")
def cases():
    return [case(number) for number in range(80)]


def test_states_components_and_counts_are_those_of_chains_of_weights(cases):
    for c in cases:
        for layer, states in enumerate(connectivity.weight_states(c.masks)):
            assert states.dtype == torch.uint8 and states.shape == c.masks[layer].shape
            np.testing.assert_array_equal(states, [o.weight_states()[layer] for o in c.oracles])
        for layer, (states, labels) in enumerate(
            zip(connectivity.unit_states(c.masks), connectivity.components(c.masks), strict=True)
        ):
            np.testing.assert_array_equal(states, [o.unit_states()[layer] for o in c.oracles])
            np.testing.assert_array_equal(labels, [o.components()[layer] for o in c.oracles])
        for measures, oracle in zip(connectivity.measure(c.masks, c.tasks), c.oracles, strict=True):
            counts = np.bincount(
                np.concatenate([s.ravel() for s in oracle.weight_states()]), minlength=4
            )
            assert (measures.active, measures.inactive, measures.zombie) == tuple(
                counts[[ACTIVE, INACTIVE, ZOMBIE]]
            )
            assert measures.available == counts[1:].sum() and measures.subnetworks == len(
                oracle.subnetworks()
            )


@pytest.mark.parametrize("kind", ["total", "output"])
def test_coverage_status_and_decided_are_those_of_tasks_on_channels(cases, kind):
    seen = set()
    for c in cases:
        expected = [o.status(kind) for o in c.oracles]
        assert (
            connectivity.status(c.masks, c.tasks, kind)
            == expected
            == [m.status for m in connectivity.measure(c.masks, c.tasks, kind)]
        )
        seen.update(expected)
        for coverage, oracle in zip(
            connectivity.coverage(c.masks, c.tasks, kind), c.oracles, strict=True
        ):
            np.testing.assert_allclose(
                coverage,
                np.array(oracle.coverage(kind), dtype=float).reshape(-1, len(c.tasks)),
                rtol=1e-15,
            )
        whole = connectivity.structure(c.masks, c.tasks, kind)
        assert (
            whole.status == expected[0]
            and [s.tolist() for s in whole.subnetworks] == c.oracles[0].components()
        )
        for seen_from in ("outputs", "inputs"):
            np.testing.assert_allclose(
                connectivity.decided(c.masks, c.tasks, seen_from),
                [o.decided(seen_from) for o in c.oracles],
            )
    assert {"interconnected", "separated", "degraded"} <= seen


def test_the_graph_of_channels_has_an_edge_where_a_weight_is_left(cases):
    for c in cases:
        masks = connectivity.channels(c.masks)
        assert [m.shape[2] for m in masks] + [masks[-1].shape[1]] == c.units
        for member, oracle in enumerate(c.oracles):
            edges = {
                ((layer, i), (layer + 1, j))
                for layer, m in enumerate(masks)
                for j, i in m[member].nonzero().tolist()
            }
            assert edges == set(oracle.graph.edges)


def test_masks_without_convolutions_are_their_own_graph():
    masks = [torch.rand(2, 5, 4) < 0.5, torch.rand(2, 3, 5) < 0.5]
    assert all(torch.equal(a, b) for a, b in zip(masks, connectivity.channels(masks), strict=True))


@pytest.mark.parametrize(
    "shapes",
    [
        [(1, 3, 2, 3, 3)],
        [(1, 3, 2, 3, 3), (1, 2, 4)],
        [(1, 3, 2, 3, 3), (1, 4, 2, 3, 3), (1, 2, 8)],
        [(1, 3, 2, 3, 3), (2, 2, 6)],
        [(1, 2, 6), (1, 3, 2, 3, 3)],
    ],
    ids=[
        "no dense layer",
        "features of no channel",
        "channels do not fit",
        "members differ",
        "dense first",
    ],
)
def test_masks_that_make_no_network_are_refused(shapes):
    with pytest.raises(SpecError, match="masks"):
        connectivity.weight_states([torch.ones(s, dtype=torch.bool) for s in shapes])


def test_kernels_of_any_number_of_axes_are_edges_between_channels():
    """A kernel's positions are alternatives: one that is left joins the two channels."""
    plane = torch.rand(2, 3, 2, 3, 3, generator=torch.Generator().manual_seed(0)) > 0.8
    dense = torch.ones(2, 2, 3, dtype=torch.bool)
    states, last = connectivity.weight_states([plane, dense])
    line, line_last = connectivity.weight_states([plane.flatten(3), dense])
    assert torch.equal(states.flatten(3), line) and torch.equal(last, line_last)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            [Task("a", range(0, 9), range(2))],
            "own 9 inputs, the last is 8; expected all pixels of 2 square channels",
        ),
        ([Task("a", range(9, 18), range(2))], "own 9 inputs, the last is 17"),
        ([Task("a", range(0, 6), range(2))], "own 6 inputs"),
        (
            [Task("a", range(0, 6), range(1)), Task("b", range(6, 8), range(1, 2))],
            "task a owns a part of a channel: inputs 0 to 5, each channel has 4",
        ),
        ([Task("a", range(0, 8), range(3))], "reach to 3, the network has 2 outputs"),
        ([], "no task given"),
    ],
)
def test_tasks_that_do_not_own_channels_are_refused(tasks, message):
    with pytest.raises(SpecError, match=message):
        connectivity.status(
            [torch.ones(1, 3, 2, 2, 2, dtype=torch.bool), torch.ones(1, 2, 3, dtype=torch.bool)],
            tasks,
        )

"""Graded structure agrees with networkx, with paths counted one by one, and with the status."""

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from oracles import random_masks, random_shape, random_tasks, separating_masks

import lth_utils as lth
from lth_utils.config import SpecError, rng
from lth_utils.connectivity import (
    ACTIVE,
    block_share,
    clusterability,
    components,
    graded,
    lambda2,
    spectral,
    status,
    unit_graphs,
    weight_states,
)
from lth_utils.connectivity.modularity import MEASURES, louvain_modularity, n_cut_of_parts
from lth_utils.data import Task


def cases(count=60, seed=0, members=2):
    """Random masks and tasks of many shapes and densities."""
    stream = np.random.default_rng(seed)
    for _ in range(count):
        tasks = random_tasks(stream)
        shape = random_shape(stream, tasks, widest=9)
        yield random_masks(stream, shape, members), tasks


def graph_of(masks, member):
    """The active weights of a member as a networkx graph of units (layer, number)."""
    graph = nx.Graph()
    for layer, states in enumerate(weight_states(masks)):
        for sink, source in (states[member] == ACTIVE).nonzero().tolist():
            graph.add_edge((layer, source), (layer + 1, sink))
    return graph


def number_of(masks):
    """The row of each unit in the adjacency."""
    sizes = [masks[0].shape[2], *(mask.shape[1] for mask in masks)]
    units = [(layer, unit) for layer, size in enumerate(sizes) for unit in range(size)]
    return {unit: n for n, unit in enumerate(units)}


def test_graphs_hold_exactly_the_active_weights():
    for masks, _ in cases():
        numbers = number_of(masks)
        for m, adjacency in enumerate(unit_graphs(masks)):
            expected = {(numbers[a], numbers[b]) for a, b in graph_of(masks, m).edges}
            found = set(zip(*adjacency.nonzero(), strict=True))
            assert found == expected | {(b, a) for a, b in expected}


def test_lambda2_is_that_of_the_normalised_laplacian():
    seen = 0
    for masks, _ in cases(60):
        for m, value in enumerate(lambda2(masks)):
            graph = graph_of(masks, m)
            if not graph:
                assert np.isnan(value)
                continue
            spectrum = np.sort(nx.normalized_laplacian_spectrum(graph))
            assert value == pytest.approx(spectrum[1], abs=1e-9)
            assert (value == 0) == (nx.number_connected_components(graph) > 1)
            seen += value > 0
    assert seen > 50


def test_lambda2_of_large_graphs_is_found_without_dense_matrices(monkeypatch):
    masks = [torch.from_numpy(rng(0, "m").random((1, 40, 40)) < 0.2) for _ in range(3)]
    dense = lambda2(masks)
    monkeypatch.setattr(spectral, "DENSE_BELOW", 4)
    tasks = Task("a", range(20), range(20)), Task("b", range(20, 40), range(20, 40))
    assert lambda2(masks) == pytest.approx(dense, abs=1e-6)
    iterative = graded(masks, tasks)[0].n_cut
    monkeypatch.undo()
    assert iterative == pytest.approx(graded(masks, tasks)[0].n_cut, abs=1e-6)


def test_cuts_are_sums_of_shares_and_never_below_their_bound():
    """The best cut along a vector is a cut; none of two parts is below lambda2."""
    for masks, tasks in cases(60):
        for m, found in enumerate(graded(masks, tasks, louvain=False)):
            graph = graph_of(masks, m)
            subnetworks = nx.number_connected_components(graph) if graph else 0
            if len(tasks) == 2 and subnetworks == 1:
                assert found.lambda2 <= found.n_cut + 1e-9
                assert found.n_cut >= best_cut(graph) - 1e-9
            if graph and subnetworks >= len(tasks):
                assert found.n_cut == 0


def best_cut(graph):
    """The smallest cut into two parts, of small graphs; else 0."""
    units = list(graph)
    if len(units) > 10:
        return 0.0
    cuts = [
        nx.normalized_cut_size(graph, part)
        for size in range(1, len(units))
        for part in itertools.combinations(units, size)
    ]
    return min(cuts)


def test_the_cut_of_parts_is_that_of_networkx():
    for masks, _ in cases(40, seed=1):
        numbers, stream = number_of(masks), np.random.default_rng(0)
        for m, adjacency in enumerate(unit_graphs(masks)):
            graph = graph_of(masks, m)
            parts = stream.integers(0, 2, len(numbers))
            sides = [{u for u in graph if parts[numbers[u]] == part} for part in (0, 1)]
            if all(graph.degree(list(s)) and sum(d for _, d in graph.degree(s)) for s in sides):
                expected = nx.normalized_cut_size(graph, *sides)
                assert n_cut_of_parts(adjacency, parts) == pytest.approx(expected)


def test_a_cut_into_more_parts_than_two_finds_planted_ones():
    """Three dense blocks with a few weights between them."""
    masks = [torch.zeros(1, 30, 30, dtype=torch.bool) for _ in range(2)]
    for mask in masks:
        for block in range(3):
            place = slice(10 * block, 10 * block + 10)
            mask[0, place, place] = True
        mask[0, 0, 10] = mask[0, 10, 20] = True
    tasks = [Task(str(k), range(10 * k, 10 * k + 10), range(10 * k, 10 * k + 10)) for k in range(3)]
    found = graded(masks, tasks)[0]
    assert found.purity == 1 and 0 < found.n_cut < 0.1 and found.modularity > 0.6
    assert found == graded(masks, tasks)[0]
    mixed = [mask[:, torch.randperm(30, generator=torch.manual_seed(0))] for mask in masks]
    assert graded(mixed, tasks)[0].purity < 0.8


def test_block_share_counts_paths():
    for masks, tasks in cases(30, seed=2):
        for m, share in enumerate(block_share(masks, tasks)):
            paths = np.eye(masks[0].shape[2], dtype=object)
            for mask in masks:
                paths = mask[m].numpy().astype(object) @ paths
            inside = sum(paths[o, i] for task in tasks for o in task.outputs for i in task.inputs)
            whole = paths.sum()
            assert np.isnan(share) if not whole else share == pytest.approx(inside / whole)


def test_paths_of_deep_networks_do_not_overflow():
    masks = [torch.ones(1, 64, 64, dtype=torch.bool) for _ in range(300)]
    tasks = Task("a", range(32), range(32)), Task("b", range(32, 64), range(32, 64))
    assert block_share(masks, tasks)[0] == pytest.approx(0.5)


def test_modularity_is_that_of_networkx():
    for masks, _ in cases(20, seed=3):
        for m, adjacency in enumerate(unit_graphs(masks)):
            graph = graph_of(masks, m)
            if not graph:
                assert np.isnan(louvain_modularity(adjacency))
                continue
            value = louvain_modularity(adjacency)
            apart = nx.community.modularity(graph, list(nx.connected_components(graph)))
            assert apart - 1e-9 <= value <= 1


def test_what_has_separated_has_no_cut_and_is_pure():
    stream, separated = np.random.default_rng(4), 0
    for _ in range(20):
        tasks = random_tasks(stream)
        masks = separating_masks(random_shape(stream, tasks), tasks)
        for word, found in zip(status(masks, tasks), graded(masks, tasks), strict=True):
            if word == "separated" and len(tasks) > 1:
                separated += 1
                assert (found.lambda2, found.n_cut, found.purity, found.block_share) == (0, 0, 1, 1)
    assert separated > 5


def test_nothing_active_is_nan_and_alone_is_as_batched():
    nothing = [torch.zeros(1, 3, 4, dtype=torch.bool), torch.zeros(1, 2, 3, dtype=torch.bool)]
    tasks = Task("a", range(2), range(1)), Task("b", range(2, 4), range(1, 2))
    (found,) = graded(nothing, tasks)
    assert all(np.isnan(getattr(found, name)) for name in MEASURES)
    for masks, tasks in cases(20, members=3):
        together = graded(masks, tasks)
        alone = [graded([mask[[m]] for mask in masks], tasks)[0] for m in range(3)]
        for one, other in zip(together, alone, strict=True):
            for name in MEASURES:
                expected = pytest.approx(getattr(other, name), abs=1e-9, nan_ok=True)
                assert getattr(one, name) == expected


def test_channels_are_units():
    """Of a ticket with convolutions, an edge weighs as much as it has kernel weights."""
    kernels = torch.zeros(1, 2, 1, 3, 3, dtype=torch.bool)
    kernels[0, 0, 0, :2, 0] = kernels[0, 1, 0, 1, 1] = True
    dense = torch.ones(1, 2, 8, dtype=torch.bool)
    (graph,) = unit_graphs([kernels, dense])
    assert graph.toarray()[0].tolist() == [0, 2, 1, 0, 0] and graph.toarray()[3, 1] == 4
    assert components([kernels, dense])[0].tolist() == [[0]]


def planted(blocks=3, size=8):
    """Weights within blocks, and a few weak ones between them."""
    stream = np.random.default_rng(0)
    inside = np.kron(np.eye(blocks), np.ones((size, size)))
    layers = [stream.random(inside.shape) * np.maximum(inside, 0.02) for _ in range(2)]
    return [torch.from_numpy(layer) for layer in layers]


def test_planted_blocks_are_more_clusterable_than_shuffles_that_move_them():
    weights = planted()
    found = clusterability(weights, parts=3, shuffles=8)
    assert found.z < -10 and 0 < found.n_cut < 0.3 < found.shuffled
    assert found == clusterability(weights, parts=3, shuffles=8)
    sparse = [w * (w > 0.03) for w in weights]  # blocks that stay in place when values move
    assert clusterability(sparse, parts=3, shuffles=3, shuffle="nonzeros").n_cut == 0
    random = [torch.from_numpy(np.random.default_rng(1).random((24, 24))) for _ in range(2)]
    assert abs(clusterability(random, parts=3, shuffles=20).z) < 4
    with pytest.raises(SpecError, match="did you mean nonzeros"):
        clusterability(weights, shuffle="nonzero")
    with pytest.raises(SpecError, match=r"expected \[O, I\] of a plain chain"):
        clusterability([weights[0], weights[1][:, :5]])


def test_bad_input_gets_a_word():
    masks = [torch.ones(1, 2, 4, dtype=torch.bool)]
    with pytest.raises(SpecError, match="expected a list"):
        graded(torch.ones(2, 2), [Task("a", range(4), range(2))])
    with pytest.raises(SpecError, match="output"):
        graded(masks, [Task("a", range(4), range(3))])
    with pytest.raises(SpecError, match="this graph has 6 units"):
        n_cut_of_parts(unit_graphs(masks)[0], np.zeros(3, int))
    assert lth.graded is graded

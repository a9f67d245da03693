"""Structure of masks, against networkx and path enumeration on random networks, and by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from oracles import (
    Structure,
    dressed,
    flat,
    logits,
    random_masks,
    random_shape,
    random_tasks,
    separating_masks,
    states_by_paths,
)

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.connectivity import ACTIVE, INACTIVE, PRUNED, ZOMBIE
from lth_utils.data import Task
from lth_utils.networks import population
from lth_utils.networks import ticket as ticket_module

TWO = (Task("a", range(0, 2), range(0, 1)), Task("b", range(2, 4), range(1, 2)))
KINDS = pytest.mark.parametrize("kind", ["total", "output"])


def masks_from(*layers):
    """Masks of one member from rows of 0 and 1."""
    return [torch.from_numpy(np.array([layer], dtype=bool)) for layer in layers]


def case(number):
    """A random population of five members: masks, tasks and what networkx says of each member.

    Of three populations one is a thinned separated network and one a thinned fragmented one, so
    that all statuses occur.
    """
    rng = np.random.default_rng(number)
    tasks = random_tasks(rng)
    shape = random_shape(rng, tasks)
    masks = random_masks(rng, shape, members=5)
    if number % 3:
        pieces = tasks if number % 3 == 1 else [p for t in tasks for p in halves(t)]
        shape = (shape[0], *(max(w, len(pieces)) for w in shape[1:-1]), shape[-1])
        thin = random_masks(rng, shape, members=5, low=0.8)
        masks = [m & t for m, t in zip(separating_masks(shape, pieces, 5), thin, strict=True)]
    return SimpleNamespace(
        masks=masks,
        tasks=tasks,
        oracles=[Structure([m[k] for m in masks], tasks) for k in range(5)],
    )


def halves(task):
    """A task in two, where it has two inputs and two outputs to share."""
    if min(len(task.inputs), len(task.outputs)) < 2:
        return [task]
    return [
        Task(f"{task.name}{n}", task.inputs[part], task.outputs[part])
        for n, part in enumerate((slice(0, 1), slice(1, None)))
    ]


@pytest.fixture(scope="module")
def cases():
    return [case(number) for number in range(80)]


def test_weight_states_are_those_of_networkx(cases):
    for c in cases:
        for layer, states in enumerate(connectivity.weight_states(c.masks)):
            assert states.dtype == torch.uint8
            np.testing.assert_array_equal(states, [o.weight_states()[layer] for o in c.oracles])


def test_unit_states_are_those_of_networkx(cases):
    for c in cases:
        for layer, states in enumerate(connectivity.unit_states(c.masks)):
            np.testing.assert_array_equal(states, [o.unit_states()[layer] for o in c.oracles])


def test_components_are_those_of_networkx_in_order_of_their_smallest_input(cases):
    for c in cases:
        for layer, labels in enumerate(connectivity.components(c.masks)):
            np.testing.assert_array_equal(labels, [o.components()[layer] for o in c.oracles])


@KINDS
def test_coverage_is_that_of_networkx(cases, kind):
    for c in cases:
        for found, oracle in zip(
            connectivity.coverage(c.masks, c.tasks, kind), c.oracles, strict=True
        ):
            expected = np.array(oracle.coverage(kind), dtype=float).reshape(-1, len(c.tasks))
            np.testing.assert_allclose(found, expected, rtol=1e-15)


@KINDS
def test_status_is_that_of_networkx_and_all_four_occur(cases, kind):
    seen = set()
    for c in cases:
        expected = [o.status(kind) for o in c.oracles]
        assert connectivity.status(c.masks, c.tasks, kind) == expected
        seen.update(expected)
    assert seen == set(connectivity.STATUSES) - ({"fragmented"} if kind == "total" else set())


@pytest.mark.parametrize("seen_from", ["outputs", "inputs"])
def test_decided_shares_are_those_of_networkx(cases, seen_from):
    for c in cases:
        np.testing.assert_allclose(
            connectivity.decided(c.masks, c.tasks, seen_from),
            [o.decided(seen_from) for o in c.oracles],
        )


@KINDS
def test_measure_says_all_of_it_at_once(cases, kind):
    for c in cases:
        for found, oracle in zip(
            connectivity.measure(c.masks, c.tasks, kind), c.oracles, strict=True
        ):
            counts = np.bincount(
                np.concatenate([s.ravel() for s in oracle.weight_states()]), minlength=4
            )
            assert (found.active, found.inactive, found.zombie) == tuple(
                counts[[ACTIVE, INACTIVE, ZOMBIE]]
            )
            assert found.available == sum(m.sum() for m in oracle.masks)
            assert (found.subnetworks, found.status) == (
                len(oracle.subnetworks()),
                oracle.status(kind),
            )
            np.testing.assert_allclose(
                found.coverage.sum(0), np.array(oracle.coverage(kind), dtype=float).sum(0)
            )


def test_weight_states_are_those_of_all_paths_written_out():
    rng = np.random.default_rng(1)
    for _ in range(100):
        shape = tuple(rng.integers(1, 4, rng.integers(2, 6)))
        masks = random_masks(rng, shape, members=2, low=0.3)
        found = connectivity.weight_states(masks)
        for member in range(2):
            for states, expected in zip(
                found, states_by_paths([m[member] for m in masks]), strict=True
            ):
                np.testing.assert_array_equal(states[member], expected)


def test_measure_counts_what_weight_states_shows_in_wide_networks():
    masks = random_masks(np.random.default_rng(2), (40, 300, 200, 10), members=3, low=0.001)
    masks[1][1] &= torch.rand(200, 300, generator=torch.Generator().manual_seed(0)) < 0.005
    tasks = [Task("a", range(40), range(10))]
    states = torch.cat([s.flatten(1) for s in connectivity.weight_states(masks)], 1)
    for found, row in zip(connectivity.measure(masks, tasks), states, strict=True):
        assert [found.active, found.inactive, found.zombie] == torch.bincount(
            row.long(), minlength=4
        )[[ACTIVE, INACTIVE, ZOMBIE]].tolist()


# by hand


def test_an_output_no_input_reaches_is_a_zombie_and_an_isolated_hidden_unit_is_inactive():
    masks = masks_from([[1, 0], [0, 0]], [[1, 0], [0, 0]])
    assert [s[0].tolist() for s in connectivity.unit_states(masks)] == [
        [ACTIVE, INACTIVE],
        [ACTIVE, INACTIVE],
        [ACTIVE, ZOMBIE],
    ]


def test_each_state_of_a_weight_occurs_where_it_should():
    # hidden 0 works, hidden 1 leads nowhere, hidden 2 hears nothing
    masks = masks_from([[1], [1], [0]], [[1, 0, 1]])
    first, second = (s[0].tolist() for s in connectivity.weight_states(masks))
    assert first == [[ACTIVE], [INACTIVE], [PRUNED]]
    assert second == [[ACTIVE, PRUNED, ZOMBIE]]


def test_a_task_in_two_parts_is_fragmented_by_output_coverage_and_degraded_by_total_coverage():
    tasks = [Task("a", range(0, 2), range(0, 2)), Task("b", range(2, 3), range(2, 3))]
    masks = masks_from(np.eye(3), np.eye(3))
    assert connectivity.status(masks, tasks, "output") == ["fragmented"]
    assert connectivity.status(masks, tasks, "total") == ["degraded"]
    np.testing.assert_array_equal(
        connectivity.coverage(masks, tasks, "total")[0], [[0.25, 0], [0.25, 0], [0, 1]]
    )
    np.testing.assert_array_equal(
        connectivity.coverage(masks, tasks, "output")[0], [[0.5, 0], [0.5, 0], [0, 1]]
    )


def test_a_lost_input_degrades_by_total_coverage_only():
    masks = masks_from([[1, 0, 0, 0], [0, 0, 1, 1]], [[1, 0], [0, 1]])
    assert connectivity.status(masks, TWO, "total") == ["degraded"]
    assert connectivity.status(masks, TWO, "output") == ["separated"]


def test_one_shared_weight_interconnects():
    masks = masks_from([[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 0], [0, 1]])
    assert connectivity.status(masks, TWO) == ["separated"]
    masks[0][0, 0, 3] = True
    assert connectivity.status(masks, TWO) == ["interconnected"]


def test_two_tasks_that_share_a_subnetwork_interconnect_though_a_third_has_its_own():
    tasks = [Task(name, range(k, k + 1), range(k, k + 1)) for k, name in enumerate("abc")]
    masks = masks_from(np.eye(3), [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert connectivity.status(masks, tasks) == ["interconnected"]
    np.testing.assert_array_equal(connectivity.coverage(masks, tasks)[0], [[1, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("length", [2, 3, 4, 5, 9, 17, 30])
def test_outputs_joined_only_through_a_long_chain_are_one_subnetwork(length):
    """Output k receives inputs k and k+1; cut from input 1, the first output stands alone."""
    chain = np.eye(length, length + 1) + np.eye(length, length + 1, k=1)
    for layer in (chain, chain[::-1]):
        assert all((labels == 0).all() for labels in connectivity.components(masks_from(layer)))
    chain[1, 1] = 0
    assert connectivity.components(masks_from(chain))[1].tolist() == [[0] + [1] * (length - 1)]


def test_an_empty_mask_is_degraded_without_subnetworks():
    masks = masks_from(np.zeros((3, 4)), np.zeros((2, 3)))
    (found,) = connectivity.measure(masks, TWO)
    assert (found.available, found.active, found.subnetworks, found.status) == (0, 0, 0, "degraded")
    assert found.coverage.shape == (0, 2)
    assert all((labels == -1).all() for labels in connectivity.components(masks))
    assert connectivity.decided(masks, TWO).isnan().all()


def test_decided_by_hand():
    # hidden 0 hears both tasks and serves a; hidden 1 hears b and serves both
    masks = masks_from([[1, 1, 1, 0], [0, 0, 0, 1]], [[1, 1], [0, 1]])
    assert connectivity.decided(masks, TWO, "outputs").tolist() == [[0.75, 0.5, 1.0]]
    assert connectivity.decided(masks, TWO, "inputs").tolist() == [[1.0, 0.5, 0.5]]


def test_inputs_of_no_task_make_units_active_too():
    """Hidden unit 1 receives input 2 of no task and leads to task a alone: active, decided."""
    tasks = [Task("a", range(0, 1), range(0, 1)), Task("b", range(1, 2), range(1, 2))]
    masks = masks_from([[1, 1, 0], [0, 0, 1]], [[1, 1], [1, 0]])
    assert (connectivity.unit_states(masks)[1] == ACTIVE).all()
    assert connectivity.decided(masks, tasks, "outputs")[0, 1] == 0.5


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["interconnected", "interconnected"], "interconnected"),
        (["interconnected", "separated"], "separated"),
        (["interconnected", "separated", "separated", "degraded"], "separated-degraded"),
        (["interconnected", "degraded"], "degraded"),
        (["interconnected", "fragmented"], "fragmented"),
    ],
)
def test_outcome_of_a_run(statuses, expected):
    assert connectivity.outcome(statuses) == expected


# properties


def test_permuting_hidden_units_changes_no_count(cases):
    rng = np.random.default_rng(3)
    for c in cases:
        permuted = [m.clone() for m in c.masks]
        for layer in range(len(permuted) - 1):
            order = torch.from_numpy(rng.permutation(permuted[layer].shape[1]))
            permuted[layer], permuted[layer + 1] = (
                permuted[layer][:, order],
                permuted[layer + 1][:, :, order],
            )
        for before, after in zip(
            connectivity.measure(c.masks, c.tasks),
            connectivity.measure(permuted, c.tasks),
            strict=True,
        ):
            np.testing.assert_array_equal(before.coverage, after.coverage)
            assert {**vars(before), "coverage": 0} == {**vars(after), "coverage": 0}


def test_a_member_in_company_is_measured_as_if_alone(cases):
    for c in cases[:20]:
        together = connectivity.measure(c.masks, c.tasks)
        for member, expected in enumerate(together):
            (alone,) = connectivity.measure([m[member : member + 1] for m in c.masks], c.tasks)
            assert str(alone) == str(expected)


def test_removing_inactive_weights_leaves_outputs_unchanged_bit_for_bit(cases):
    removed = 0
    for number, c in enumerate(cases):
        members = dressed(c.masks, seed=number)
        inactive = flat(connectivity.weight_states(c.masks)) == INACTIVE
        removed += int(inactive.sum())
        parameters = members.parameters.clone()
        parameters[:, : inactive.shape[1]][inactive] = 0
        without = population.Population(
            members.shape, members.seeds, parameters, members.initial, members.mask & ~inactive
        )
        x = torch.randn(9, members.shape[0], generator=torch.Generator().manual_seed(number))
        assert torch.equal(logits(members, x), logits(without, x))
    assert removed > 500


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 9, 7, 2), (4, 5, 5, 5, 2)])
def test_in_a_separated_network_the_inputs_of_one_task_never_move_the_outputs_of_the_other(shape):
    masks = separating_masks(shape, TWO, member=3)
    assert connectivity.status(masks, TWO) == ["separated"] * 3
    members = dressed(masks)
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    moved = x.clone()
    moved[:, :2] *= 1000
    before, after = logits(members, x), logits(members, moved)
    assert torch.equal(before[..., 1], after[..., 1])
    assert (before[..., 0] != after[..., 0]).any(1).all()


def test_graph_of_a_ticket_says_the_same(cases):
    for c in cases[:20]:
        members, oracle = dressed(c.masks), c.oracles[0]
        masks = [m[:1] for m in c.masks]
        ticket = ticket_module.Ticket(
            members.shape,
            masks,
            members.parameters[0].numpy(),
            members.parameters[0].numpy(),
            tuple(c.tasks),
            0,
            1,
        )
        graph = connectivity.to_networkx(ticket)
        assert set(graph.edges) == set(oracle.graph.edges) and set(graph) == set(oracle.graph)
        for (layer, unit), node in graph.nodes(data=True):
            assert node["layer"] == layer
            assert node["subnetwork"] == oracle.components()[layer][unit]
            assert node["state"] == connectivity.STATE_NAMES[oracle.unit_states()[layer][unit]]
        for (layer, i), (_, j), edge in graph.edges(data=True):
            assert edge["weight"] == float(members.weights[layer][0, j, i])
            assert edge["state"] == connectivity.STATE_NAMES[oracle.weight_states()[layer][j, i]]


# errors


@pytest.mark.parametrize(
    "masks",
    [
        [],
        [torch.ones(1, 2, 2)],
        [torch.ones(2, 2, dtype=torch.bool)],
        [torch.ones(1, 3, 4, dtype=torch.bool), torch.ones(1, 2, 4, dtype=torch.bool)],
        [torch.ones(1, 3, 4, dtype=torch.bool), torch.ones(2, 2, 3, dtype=torch.bool)],
    ],
    ids=["no layer", "not bool", "no members", "layers do not fit", "members differ"],
)
def test_masks_that_make_no_network_are_refused(masks):
    with pytest.raises(SpecError, match="mask"):
        connectivity.weight_states(masks)


def test_tasks_that_do_not_fit_and_unknown_kinds_are_refused():
    masks = masks_from(np.ones((3, 4)), np.ones((2, 3)))
    with pytest.raises(SpecError, match="reach to 9"):
        connectivity.status(masks, [Task("a", range(0, 9), range(0, 1))])
    with pytest.raises(SpecError, match="did you mean output"):
        connectivity.coverage(masks, TWO, "outputs")
    with pytest.raises(SpecError, match="seen_from"):
        connectivity.decided(masks, TWO, "hidden")

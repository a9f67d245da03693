"""The explorer's picture of a network: its places, colours and speed."""

import time

import matplotlib as mpl
import numpy as np
import pytest
import torch
from explorer_cases import explored_store, ids_in, odd_ticket

from lth_utils import connectivity, data, plots, pruning
from lth_utils.explorer import choices, widgets
from lth_utils.explorer.run import Options
from lth_utils.explorer.screen import Screen
from lth_utils.explorer.view import lay_out
from lth_utils.networks import layers, population
from lth_utils.networks.ticket import Ticket
from lth_utils.plots import decision_regions, network_layout, network_marks
from lth_utils.plots.decision_regions import chances


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def odd():
    return odd_ticket()


def test_a_picture_does_not_depend_on_what_was_shown_before(results, ids):
    shown = choices.open_run(results, ids[5, 0])
    screen, fresh = Screen(pictures=0), Screen()
    for row in (0, 5, 3):
        screen.png([(shown, row)], Options())
    assert screen.png([(shown, 3)], Options()) == fresh.png(
        [(choices.open_run(results, ids[5, 0]), 3)], Options()
    )


def test_colours_are_those_of_the_states_and_tasks(results, ids):
    """Against the states of all weights, computed elsewhere."""
    ticket = results.ticket(ids[5, 0], 3)
    masks = [m[0].numpy() for m in ticket.masks]
    found = connectivity.structure(ticket.masks, ticket.tasks)
    edges = network_marks.choose_edges(ticket, found, masks)
    states = connectivity.weight_states(ticket.masks)
    _, colours = network_marks.element_colours("state", found, edges, ticket.tasks)
    assert edges.total == len(edges.layer) == sum(m.sum() for m in masks)
    for layer, i, j, colour in zip(edges.layer, edges.i, edges.j, colours, strict=True):
        assert (
            mpl.colors.to_hex(colour)
            == plots.STATE_COLOURS[connectivity.STATE_NAMES[states[layer][0, j, i]]].lower()
        )
    labels = connectivity.components(ticket.masks)
    assert all((a == b[0].numpy()).all() for a, b in zip(found.subnetworks, labels, strict=True))
    assert found.status == connectivity.status(ticket.masks, ticket.tasks)[0]
    assert (found.coverage == connectivity.coverage(ticket.masks, ticket.tasks)[0]).all()


def test_a_crowded_network_is_thinned_by_magnitude_and_says_so(results, ids, monkeypatch):
    monkeypatch.setattr("lth_utils.plots.network_marks.MAX_EDGES", 20)
    ticket = results.ticket(ids[5, 0], 0)
    found = connectivity.structure(ticket.masks, ticket.tasks)
    edges = network_marks.choose_edges(ticket, found, [m[0].numpy() for m in ticket.masks])
    size = [w[0].abs().numpy() / w.abs().max().item() for w in ticket.weights]
    assert np.allclose(
        np.sort(edges.strength), np.sort(np.concatenate([s.ravel() for s in size]))[-20:]
    )
    texts = " ".join(t.get_text() for t in widgets.picture(results, ids[5, 0], 0).axes[0].texts)
    assert f"20 of {edges.total} weights are drawn" in texts


@pytest.mark.parametrize("pruned", [False, True])
def test_there_is_ink_where_a_weight_is_and_none_where_none_is(odd, pruned):
    """At the middle of each place where a weight could be, in the pixels."""
    run = choices.run_of_tickets([odd])
    drawn, (view,) = lay_out([run], Options(pruned=pruned))
    view.level(0)
    drawn.canvas.draw()
    pixels = np.asarray(drawn.canvas.buffer_rgba())[::-1]
    shown = [
        np.ones(u, bool) if pruned else m
        for u, m in zip(
            odd.shape, network_layout.touched_units([m[0].numpy() for m in odd.masks]), strict=True
        )
    ]
    shown[0][:] = shown[-1][:] = True
    places = network_layout.place_units(
        run.cache["order"], shown, connectivity.structure(odd.masks, odd.tasks).subnetworks
    )
    found = {True: [], False: []}
    for layer, mask in enumerate(odd.masks):
        for j, i in np.argwhere(np.ones(mask[0].shape)):
            # off the middle, where lines between other units do not cross this one
            middle = np.array([layer + 0.37, 0.63 * places[layer][i] + 0.37 * places[layer + 1][j]])
            if np.isfinite(middle).all():
                x, y = view.network.transData.transform(middle).round().astype(int)
                found[bool(mask[0, j, i])].append(
                    pixels[y - 1 : y + 2, x - 1 : x + 2, :3].min() < 250
                )
    assert len(found[True]) == 8 and all(found[True])
    assert all(found[False]) if pruned else not any(found[False]) and found[False]


def test_subnetworks_stand_as_their_outputs_do():
    """A subnetwork of the first input that serves the last output is drawn below the other."""
    masks = [torch.tensor([[[0, 1], [1, 0]]]).bool(), torch.eye(2).bool()[None]]
    tasks = (
        data.Task("upper", range(0, 1), range(0, 1)),
        data.Task("lower", range(1, 2), range(1, 2)),
    )
    values = np.array([0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0], np.float32)
    order = network_layout.common_order([Ticket((2, 2, 2), masks, values, values, tasks, 0, 1)])
    assert list(order[1]) == [0, 1]


def test_the_decision_region_is_the_models(results, ids):
    ticket = results.ticket(ids[5, 0], 2)
    (chance,) = chances(ticket, [1], [(-2, 2, -1, 3)])
    point = np.float32(
        [0, 0, -2 + 4 * 10 / (decision_regions.GRID - 1), -1 + 4 * 20 / (decision_regions.GRID - 1)]
    )
    logits = ticket.model()(torch.from_numpy(point)).detach()
    assert chance[20, 10] == pytest.approx(logits[1].sigmoid().item(), abs=1e-5)


def test_a_level_is_drawn_fast():
    """The median over all levels of 4-57-57-2, in seconds of this thread."""
    shape, dataset = (4, 57, 57, 2), data.moons_circles()
    members = population.init(shape, [0])
    mask, tickets = members.mask, []
    for level, keep in enumerate((3591, 2442, 1660, 1129, 768, 522, 355, 241, 164, 112)):
        scores = members.parameters[:, : mask.shape[1]].abs()
        mask = pruning.keep_largest(scores, mask, keep)
        values = population.rewind(members, mask).parameters[0].numpy()
        tickets.append(
            Ticket(shape, layers.split_mask(mask, shape), values, values, dataset.tasks, 0, level)
        )
    run = choices.run_of_tickets(tickets)
    screen, took = Screen(), []
    screen.png([(run, 9)], Options())  # what stays is drawn once
    for level in range(9):
        began = time.thread_time()
        screen.png([(run, level)], Options())
        took.append(time.thread_time() - began)
    assert sorted(took)[len(took) // 2] < 0.15, took

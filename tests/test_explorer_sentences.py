"""The sentence on each unit, against brute force."""

import itertools
import re

import numpy as np
import pytest
from explorer_cases import SPEC, by_hand, explored_store, ids_in, odd_ticket

from lth_utils import connectivity, data, explorer
from lth_utils.explorer.explanation import explain
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values
from lth_utils.viewer.run import relatives


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def odd():
    return odd_ticket()


def test_relatives_are_what_paths_reach(results, ids):
    import networkx as nx

    for level in (0, 3, 5):
        ticket = results.ticket(ids[5, 1], level)
        graph = connectivity.to_networkx(ticket)
        for node in list(graph)[::3]:
            family = relatives([m[0].numpy() for m in ticket.masks], *node)
            found = {
                (layer, int(u)) for layer, units in enumerate(family) for u in np.flatnonzero(units)
            }
            assert found == {node} | nx.ancestors(graph, node) | nx.descendants(graph, node)


def test_the_forward_pass_is_the_models(results, ids):
    x = data.load(SPEC.data).x_test
    for level, silenced in itertools.product((0, 5), (None, (1, 2))):
        ticket = results.ticket(ids[5, 1], level)
        for ours, theirs in zip(
            unit_values(ticket, x, silenced), by_hand(ticket, x, silenced), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def number(text, pattern):
    return [float(n) for n in re.search(pattern, text).groups()]


def test_the_sentence_on_each_unit_of_an_odd_network(odd):
    x = np.random.default_rng(0).standard_normal((1000, 2), dtype=np.float32)
    full = by_hand(odd, x)
    assert explain(odd, 0, 0) == "x1 (left) – active: it leads to y1 (left)."
    assert (
        explain(odd, 0, 1)
        == "x2 (right) – inactive: no weight is left at it, so the network does not see it."
    )
    share = (full[1][:, 0] > 0).mean()
    assert explain(odd, 1, 0) == (
        "neuron 1 of hidden layer 1 – active: x1 (left) reaches it and it leads to y1 (left); "
        f"it fires for {share:.1%} of 1000 random points."
    )
    assert explain(odd, 1, 2) == (
        "neuron 3 of hidden layer 1 – inactive: no path leads from it to an output, "
        "so nothing it computes matters."
    )
    bent = full[3] - by_hand(odd, x, (1, 1))[3]
    said = explain(odd, 1, 1)
    assert (
        "zombie: no path from any input reaches it; it gives out" in said
        and "adds a constant" not in said
    )
    assert number(said, r"shifts y1 \(left\) by (\S+) to (\S+),") == pytest.approx(
        [bent[:, 0].min(), bent[:, 0].max()], rel=0.01
    )
    assert np.ptp(bent[:, 0]) > 0.01
    for unit, output in ((1, 0), (2, 1)):
        change = (full[3] - by_hand(odd, x, (2, unit))[3])[:, output]
        assert np.ptp(change) < 1e-5
        said = explain(odd, 2, unit)
        assert number(said, r"gives out (\S+) and adds a constant (\S+) to y") == pytest.approx(
            [full[2][0, unit], change[0]], rel=0.01
        )
    assert number(explain(odd, 3, 1), r"it is (\S+) whatever the input") == pytest.approx(
        [full[3][0, 1]], rel=0.01
    )
    assert explain(odd, 3, 0) == "y1 (left) – active: x1 (left) reaches it."


def test_sentences_on_real_tickets_name_the_state_and_the_truth(results, ids):
    """Every unit of two levels: states by the masks, shares and shifts by the torch model."""
    dataset = data.load(SPEC.data)
    said = []
    for level in (2, 5):
        ticket = results.ticket(ids[5, 0], level)
        full = by_hand(ticket, dataset.x_test)
        for layer, states in enumerate(connectivity.unit_states(ticket.masks)):
            for unit, state in enumerate(states[0].tolist()):
                text = explain(ticket, layer, unit, dataset)
                assert f"– {connectivity.STATE_NAMES[state]}: " in text
                if "it fires for" in text:
                    assert (
                        f"fires for {(full[layer][:, unit] > 0).mean():.1%} of the test split"
                        in text
                    )
                if "never fires" in text:
                    assert (full[layer][:, unit] == 0).all()
                if "adds nothing" in text:
                    assert (full[layer][:, unit] == 0).all()
                if "constant" in text:
                    change = full[-1] - by_hand(ticket, dataset.x_test, (layer, unit))[-1]
                    for value, output in re.findall(r"adds a constant (\S+) to y(\d+)", text):
                        assert change[:, int(output) - 1] == pytest.approx(
                            float(value), rel=0.01, abs=1e-6
                        )
                said.append(text)
    assert {"active", "inactive", "zombie"} <= {re.search("– (\\w+):", t).group(1) for t in said}


def test_where_trained_values_were_not_kept_nothing_is_claimed(odd):
    bare = Ticket(odd.shape, odd.masks, odd.initial, None, odd.tasks, odd.seed, odd.level)
    assert "not known, trained values of this level were not kept" in explain(bare, 1, 1)
    assert explain(bare, 1, 0).endswith("it leads to y1 (left).")
    box = explorer.explore([bare])
    assert box.view.runs[0]["values"] == ["initial"]

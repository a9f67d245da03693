"""What the viewer is given of a run: as much as is needed, and the same as the store has."""

import base64
import zlib

import numpy as np
import pytest
from viewer_cases import packed_runs

from lth_utils import connectivity
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS, TASK_COLOURS
from lth_utils.viewer import packing, page


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return packed_runs(tmp_path_factory.mktemp("packed"))


def arrays_of(packed):
    """The arrays of a packed run, read as the browser reads them."""
    content, arrays, at = zlib.decompress(base64.b64decode(packed["data"])), {}, 0
    for name, dtype, length in packed["parts"]:
        arrays[name] = np.frombuffer(content, f"<{dtype}", length, at)
        at += -(-arrays[name].nbytes // 4) * 4
    assert at == len(content)
    return arrays


def test_ten_levels_take_less_than_forty_kilobytes(runs):
    _, packed = runs
    (ten,) = [p for p in packed if p["shape"] == [4, 57, 57, 2]]
    assert len(ten["rows"]["level"]) == 10
    assert len(zlib.compress(base64.b64decode(ten["data"]))) < 30_000 < len(ten["data"]) < 40_000


def test_masks_values_and_the_graph_are_those_of_the_store(runs):
    for run, packed in zip(runs[0].values(), runs[1], strict=True):
        arrays, total = arrays_of(packed), packed["total"]
        position = np.cumsum(arrays["index"])
        for row in range(len(run.rows)):
            ticket = run.ticket(row)
            mask = np.concatenate([m.numpy().ravel() for m in ticket.masks])
            here = arrays["lifetimes"] > row
            assert mask[position[here]].all() and not mask[position[~here]].any()
            found = connectivity.structure(ticket.masks, run.tasks, run.kind)
            for name, part in (("states", found.states), ("subnetworks", found.subnetworks)):
                flat = np.concatenate(part)
                given = arrays[name][row * len(flat) : (row + 1) * len(flat)]
                assert (given == flat).all()
            if not packed["values"][row]:
                assert mask.sum() > here.sum() or ticket.trained is None
                continue
            values = arrays[f"values{row}"]
            wanted = getattr(ticket, packed["values"][row])
            wanted = np.concatenate([wanted[position[here]], wanted[total:]])
            np.testing.assert_allclose(values, wanted, rtol=1e-3, atol=1e-6)


def test_a_large_network_sends_the_weights_that_last_longest(runs):
    (large,) = [p for p in runs[1] if p["total"] > packing.MOST_WEIGHTS]
    arrays, run = arrays_of(large), runs[0][large["key"]]
    every = np.concatenate([layer.ravel() for layer in run.lifetimes])
    assert len(arrays["index"]) == packing.MOST_WEIGHTS
    left_out = np.delete(every, np.cumsum(arrays["index"]))
    assert left_out.max() <= arrays["lifetimes"].min()
    rows = large["rows"]["available"]
    fits = [n for n, available in enumerate(rows) if available <= packing.MOST_WEIGHTS]
    assert all(large["values"][n] for n in fits)


def test_a_run_that_stopped_early_says_what_was_asked_for(runs):
    asked = {p["key"]: (p["asked"], p["rows"]["level"][-1]) for p in runs[1]}
    assert any(asked > last for asked, last in asked.values())


def test_the_colours_are_those_of_all_figures():
    assert packing.PALETTE["states"] == list(STATE_COLOURS.values())
    assert packing.PALETTE["statuses"] == STATUS_COLOURS
    assert packing.PALETTE["tasks"] == list(TASK_COLOURS)


def test_nothing_in_the_data_ends_the_script_and_nothing_is_asked_of_another_host(runs):
    evil = {**runs[1][0], "title": "</script><script>alert(1)</script>"}
    text = page([evil], title="<b>")
    assert text.count("<script") == 2 and "<title>&lt;b&gt;" in text
    hosts = {part.split("/")[2] for part in text.split('"') if part.startswith("http")}
    assert hosts <= {"www.w3.org"}  # the name of SVG

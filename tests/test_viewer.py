"""What the viewer is given of a run: as much as is needed, and the same as the store has."""

import base64
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from viewer_cases import packed_runs

from lth_utils import connectivity
from lth_utils.data import Dataset, Task
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS, TASK_COLOURS
from lth_utils.viewer import looks, packing, page, units
from lth_utils.viewer.class_scores import class_scores
from lth_utils.viewer.curves import STRUCTURE


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


def positions_of(arrays, shape):
    """The position of each weight among all, from its two units."""
    units, before, positions = np.cumsum([0, *shape]), 0, []
    for n, (width, after) in enumerate(pairwise(shape)):
        own = (arrays["source"] >= units[n]) & (arrays["source"] < units[n + 1])
        source, target = arrays["source"][own] - units[n], arrays["target"][own] - units[n + 1]
        positions.append(before + target.astype(int) * width + source)
        before += width * after
    return np.concatenate(positions)


def assert_tasks(codes, found, tasks):
    """A unit's code is that of the only task that it leads to, or that its subnetwork serves."""
    labels, leads = np.concatenate(found.subnetworks), np.concatenate(found.leads)
    for unit, label in enumerate(labels):
        served = np.flatnonzero(found.coverage[label] > 0) if label >= 0 else []
        led = [k for k, task in enumerate(tasks) if leads[unit, list(task.outputs)].any()]
        for name, those in (("ofSubnetwork", served), ("ledTo", led)):
            wanted = 0 if not len(those) else 255 if len(those) > 1 else 1 + those[0]
            assert codes[name][unit] == wanted


def assert_heights(heights, masks, shape):
    """Units that a weight touches are drawn, no two of a layer at the same height."""
    start = 0
    for n, width in enumerate(shape):
        own = heights[start : start + width].astype(int)
        touched = np.zeros(width, bool)
        if n > 0:
            touched |= masks[n - 1][0].numpy().any(1)
        if n < len(masks):
            touched |= masks[n][0].numpy().any(0)
        drawn = own < units.WITHOUT_WEIGHT
        assert drawn.all() if n in (0, len(masks)) else (drawn == touched).all()
        assert len(set(own)) == width
        start += width


def test_ten_levels_take_less_than_forty_kilobytes(runs):
    _, packed = runs
    (ten,) = [p for p in packed if p["shape"] == [4, 57, 57, 2]]
    assert len(ten["rows"]["level"]) == 10
    assert len(zlib.compress(base64.b64decode(ten["data"]))) < 30_000 < len(ten["data"]) < 40_000


def test_masks_values_and_the_graph_are_those_of_the_store(runs):
    for run, packed in zip(runs[0].values(), runs[1], strict=True):
        arrays, total = arrays_of(packed), packed["total"]
        position = positions_of(arrays, packed["shape"])
        for row in range(len(run.rows)):
            ticket = run.ticket(row)
            mask = np.concatenate([m.numpy().ravel() for m in ticket.masks])
            here = arrays["lifetimes"] > row
            assert mask[position[here]].all() and not mask[position[~here]].any()
            found = connectivity.structure(ticket.masks, run.tasks, run.kind)
            count = sum(run.shape)
            here_now = {
                name: arrays[name][row * count : (row + 1) * count]
                for name in ("states", "ofSubnetwork", "ledTo", "heights")
            }
            assert (here_now["states"] == np.concatenate(found.states)).all()
            assert_tasks(here_now, found, run.tasks)
            assert_heights(here_now["heights"], ticket.masks, run.shape)
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
    assert len(arrays["source"]) == packing.MOST_WEIGHTS
    left_out = np.delete(every, positions_of(arrays, run.shape))
    assert left_out.max() <= arrays["lifetimes"].min()
    rows = large["rows"]["available"]
    fits = [n for n, available in enumerate(rows) if available <= packing.MOST_WEIGHTS]
    assert all(large["values"][n] for n in fits)


def test_graded_structure_is_that_of_the_levels_unless_they_are_large(runs, monkeypatch):
    (run, packed) = next(
        (run, packed)
        for run, packed in zip(runs[0].values(), runs[1], strict=True)
        if packed["shape"] == [4, 57, 57, 2]
    )
    for row in range(len(run.rows)):
        (graded,) = connectivity.graded(run.ticket(row).masks, run.tasks)
        for column in STRUCTURE:
            given = packed["rows"][column][row]
            assert given == pytest.approx(getattr(graded, column), abs=1e-6)
    separated = packed["rows"]["status"].index("separated")
    assert packed["rows"]["lambda2"][separated] == 0 < packed["rows"]["lambda2"][separated - 1]
    (of_structure,) = [c for c in packed["curves"] if c["key"] == "structure"]
    assert [one["column"] for one in of_structure["series"]] == list(STRUCTURE)
    monkeypatch.setattr("lth_utils.viewer.graded_rows.MOST_WEIGHTS", 3000)
    late = packing.pack(run)["rows"]["lambda2"]
    assert late[0] is None and late[1:] == packed["rows"]["lambda2"][1:]
    monkeypatch.setattr("lth_utils.viewer.graded_rows.MOST_WEIGHTS", 0)
    none = packing.pack(run)
    assert "lambda2" not in none["rows"] and not none["curves"][2]["series"]


def test_a_run_that_stopped_early_says_what_was_asked_for(runs):
    for run, packed in zip(runs[0].values(), runs[1], strict=True):
        early = run.asked_levels > packed["rows"]["level"][-1]
        assert early == packed["words"][-1].endswith("had been asked for.")


def test_the_colours_are_those_of_all_figures_and_can_be_read_in_both_themes():
    light = looks.PALETTE["light"]
    assert light["states"] == list(STATE_COLOURS.values())
    assert light["statuses"] == STATUS_COLOURS
    assert light["tasks"] == list(TASK_COLOURS)
    for theme in looks.PALETTE.values():
        read = [theme["ink"], theme["soft"], *theme["words"].values(), *theme["texts"]]
        assert all(contrast(colour, theme["paper"]) >= 4.5 for colour in read)


def contrast(first, second):
    """The contrast of two colours as WCAG defines it."""
    light = []
    for colour in (first, second):
        parts = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(light) / min(light)


def test_the_accuracy_by_class_is_that_of_the_table_taken_apart():
    """Two classes of each task, of a network that says class 0 of all; one class has no example."""
    tasks = (Task("a", range(1), range(2)), Task("b", range(1, 2), range(2, 5)))
    masks = [torch.zeros(1, 3, 2, dtype=bool), torch.zeros(1, 5, 3, dtype=bool)]
    values = np.zeros(29, np.float32)
    ticket = Ticket((2, 3, 5), masks, values, values, tasks, seed=0, level=0)
    x, y = np.zeros((4, 2), np.float32), np.array([[0, 0], [0, 2], [0, 2], [1, 0]])
    dataset = Dataset(x, y, x, y, tasks)
    assert class_scores(ticket, dataset) == [[1, 0], [1, None, 0]]
    assert class_scores(ticket, None) is None
    assert class_scores(replace(ticket, trained=None), dataset) is None


def test_images_come_with_their_accuracy_by_class(runs):
    (packed,) = [p for p in runs[1] if p["tasks"][0]["side"]]
    rows = [n for n, kind in enumerate(packed["values"]) if kind == "trained"]
    if packed["classes"][rows[0]] is None:
        pytest.skip("the images are not on this machine")
    for row in rows:
        for task, scores in zip(packed["tasks"], packed["classes"][row], strict=True):
            whole = packed["rows"][f"accuracy_{task['name']}"][row]
            assert len(scores) == len(task["outputs"])
            assert min(scores) < whole < max(scores)
            assert np.mean(scores) == pytest.approx(whole, abs=0.005)  # classes of nearly one size
        assert "Least accurate class: mnist " in packed["covered"][row]


def test_nothing_in_the_data_ends_the_script_and_nothing_is_asked_of_another_host(runs):
    evil = {**runs[1][0], "title": "</script><script>alert(1)</script>"}
    text = page([evil], title="<b>")
    assert text.count("<script") == 2 and "<title>&lt;b&gt;" in text
    hosts = {part.split("/")[2] for part in text.split('"') if part.startswith("http")}
    assert hosts <= {"www.w3.org"}  # the name of SVG

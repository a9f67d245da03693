"""The explorer without a browser: its widgets driven from Python, its sentences against brute force, its files read back."""

import gc
import io
import itertools
import json
import re
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import ipywidgets
import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from lth_utils import config, connectivity, data, plots, pruning
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec
from lth_utils.explorer import choices, image_panels, widgets
from lth_utils.explorer.explanation import explain
from lth_utils.explorer.run import Options, relatives
from lth_utils.explorer.screen import Screen
from lth_utils.explorer.view import lay_out
from lth_utils.explorer.words import level_in_words
from lth_utils.networks import layers, population
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values
from lth_utils.plots import decision_regions, network_layout, network_marks
from lth_utils.plots.decision_regions import chances
from lth_utils.runs import files, sweep, ticket_files
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store

ROOT = Path(__file__).parents[1]
QUICK = TrainSpec(batch_size=32, max_epochs=4)
SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 8, 8, 2),
    train=QUICK,
    prune=PruneSpec(rate=0.5, levels=5),
    stop_at=(),
)
TASKS = data.load(SPEC.data).tasks


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two seeds pruned to next to nothing, one run of one level, one that degrades at its first pruning, one of another data set."""
    folder = Store(tmp_path_factory.mktemp("explored"))
    others = [("prune", PruneSpec(levels=0, rate=0.5)), ("prune", PruneSpec(target=3, levels=1))]
    specs = [
        *config.expand(SPEC, {"seed": [0, 1]}),
        *(replace(SPEC, **{name: value}) for name, value in others),
    ]
    specs.append(replace(SPEC, data=data.spec("moons_circles", n_samples=60, noise=0.2)))
    sweep.run(specs, folder, device="cpu")
    return folder


@pytest.fixture(scope="module")
def ids(results):
    """By number of levels: 0, 1, 5 and the seed; only the runs of the usual noise."""
    entries = results.entries()
    return {
        (e["head"]["prune.levels"], e["head"]["seed"]): i
        for i, e in entries.items()
        if e["head"]["data.noise"] == 0.1
    }


def rows_of(results, run_id):
    table = results.table()
    return table[table["run"] == run_id].reset_index(drop=True)


@pytest.fixture
def box(results, ids):
    return widgets.explore(results, ids[5, 0])


@pytest.fixture
def odd():
    """A network with units in all states.

    x1 -> a -> d -> y1 is active; no input reaches b, which leads to d and e; c leads nowhere;
    no input reaches f, which alone leads to y2; x2 has no weight.
    """
    masks = [
        torch.tensor([[[1, 0], [0, 0], [1, 0]]]),
        torch.tensor([[[1, 1, 0], [0, 1, 0], [0, 0, 0]]]),
        torch.tensor([[[1, 1, 0], [0, 0, 1]]]),
    ]
    masks, shape = [m.bool() for m in masks], (2, 3, 3, 2)
    flat = torch.cat([m.flatten() for m in masks]).numpy()
    stream = np.random.default_rng(3)
    values = np.concatenate(
        [flat * stream.standard_normal(len(flat)), stream.uniform(0.5, 1, 8)]
    ).astype(np.float32)
    values[6], values[7], values[10] = -2, 0.7, 0.8  # a large a puts d out, b keeps e alight
    tasks = (
        data.Task("left", range(0, 1), range(0, 1)),
        data.Task("right", range(1, 2), range(1, 2)),
    )
    return Ticket(shape, masks, values, values, tasks, 0, 4)


# widgets


def test_every_level_has_its_own_picture_and_its_words_agree_with_the_store(box, results, ids):
    rows = rows_of(results, ids[5, 0])
    seen = set()
    for level, row in rows.iterrows():
        box.first.slider.value = level
        seen.add(bytes(box.picture.value))
        assert f"Level {level}: {row['status']}." in box.first.words.value
        numbers = re.search(
            r"Of (\d+) available weights (\d+) active, (\d+) inactive, (\d+) zombie; (\d+) subnetwork",
            box.first.words.value,
        )
        assert [int(n) for n in numbers.groups()] == [
            row[c] for c in ("available", "active", "inactive", "zombie", "subnetworks")
        ]
        assert f"circles {row['accuracy_circles']:.1%}" in box.first.words.value
    assert len(seen) == len(rows) == 6
    assert all(p.startswith(b"\x89PNG") for p in seen)


def test_going_back_shows_the_same_picture_again_without_drawing(box, monkeypatch):
    box.first.slider.value = 1
    first = box.picture.value
    box.first.slider.value = 2
    monkeypatch.setattr(Screen, "_draw", None)
    box.first.slider.value = 1
    assert box.picture.value == first


def test_a_picture_does_not_depend_on_what_was_shown_before(results, ids):
    shown = choices.open_run(results, ids[5, 0])
    screen, fresh = Screen(pictures=0), Screen()
    for row in (0, 5, 3):
        screen.png([(shown, row)], Options())
    assert screen.png([(shown, 3)], Options()) == fresh.png(
        [(choices.open_run(results, ids[5, 0]), 3)], Options()
    )


def test_the_buttons_step_and_stop_at_the_ends(box):
    box.first.slider.value = 4
    box.first.next_button.click()
    box.first.next_button.click()
    assert box.first.slider.value == 5
    for _ in range(9):
        box.first.previous_button.click()
    assert box.first.slider.value == 0


def test_lists_say_what_became_of_each_run(box, results, ids):
    entries = results.entries()
    for words, run_id in box.first.run.options:
        statuses = [line["status"] for line in rows_of(results, run_id).to_dict("records")]
        assert words.startswith(f"seed {entries[run_id]['head']['seed']} – ")
        for word in ("separated", "degraded"):
            assert (
                (f"{word} at level {statuses.index(word)}" in words)
                if word in statuses
                else (word not in words)
            )


def test_experiments_that_would_read_the_same_say_how_they_differ(box):
    assert len(box.first.experiment.options) == len(set(box.first.experiment.options))
    assert {e[-9:] for e in box.first.experiment.options if "noise" in e} == {
        "noise 0.1",
        "noise 0.2",
    }


def test_every_run_can_be_reached_and_is_what_the_lists_say(box, results):
    reached = []
    for experiment in box.first.experiment.options:
        box.first.experiment.value = experiment
        for size in box.first.size.options:
            box.first.size.value = size
            for _, run_id in box.first.run.options:
                box.first.run.value = run_id
                assert box.first.current_run.key == run_id and "Level" in box.first.words.value
                reached.append(run_id)
    assert sorted(reached) == sorted(results.entries())


def test_a_run_begins_where_it_separated_else_at_its_last_whole_level(results):
    for run_id in results.entries():
        words = list(rows_of(results, run_id)["status"])
        whole = [n for n, w in enumerate(words) if w != "degraded"]
        expected = words.index("separated") if "separated" in words else whole[-1]
        assert widgets.explore(results, run_id).first.slider.value == expected


def test_an_empty_store_says_how_to_make_runs(tmp_path):
    box = widgets.explore(Store(tmp_path / "nowhere"))
    assert "make reproduce" in box.note.value and len(box.children) == 1
    assert "empty" in widgets.explore([]).note.value


def test_the_default_is_the_store_of_the_project(results, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(results.root))
    assert widgets.explore().first.current_run.key in results.entries()


def test_one_level_leaves_nothing_to_slide(results, ids):
    box = widgets.explore(results, ids[0, 0])
    assert (
        box.first.slider.disabled
        and box.first.play.disabled
        and box.first.slider.min < box.first.slider.max
    )
    before = box.picture.value
    box.first.slider.value = 1
    assert (
        box.first.level == 0 and box.picture.value == before and "Level 0:" in box.first.words.value
    )


def test_a_run_that_degrades_at_once_shows_both_levels(results, ids):
    box = widgets.explore(results, ids[1, 0])
    assert "degraded at level 1" in {k: w for w, k in box.first.run.options}[ids[1, 0]]
    for level in (0, 1):
        box.first.slider.value = level
        assert f"Level {level}:" in box.first.words.value


def test_hundreds_of_runs_are_listed_in_no_time(results, ids, tmp_path, monkeypatch):
    entry = results.entries()[ids[5, 0]]
    many = {f"run{n}": {**entry, "head": {**entry["head"], "seed": n}} for n in range(800)}
    monkeypatch.setattr(Store, "entries", lambda self, run_ids=None: many)
    began = time.thread_time()
    catalogue = choices.catalogue_of_store(Store(tmp_path))
    assert time.thread_time() - began < 2
    assert [k for runs in next(iter(catalogue.tree.values())).values() for _, k in runs] == [
        f"run{n}" for n in range(800)
    ]


def test_damaged_runs_are_left_out_and_counted(results, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    victim = sorted(copy.entries())[0]
    (copy.folder(victim) / "levels.csv").write_text("level\n")
    box = widgets.explore(copy)
    assert "1 damaged" in box.note.value
    assert victim not in [
        k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
    ]


@pytest.mark.parametrize("alone", [False, True])
def test_networks_of_another_kind_are_left_out_and_the_note_says_why(
    results, ids, monkeypatch, alone
):
    entries = results.entries()
    unlike = {
        **entries[ids[5, 0]],
        "head": {**entries[ids[5, 0]]["head"], "base": "3x32-6x5x2-16x5x2-120-84-10"},
    }
    given = {"images-3x32": unlike} | ({} if alone else entries)
    monkeypatch.setattr(Store, "entries", lambda self, run_ids=None: given)
    box = widgets.explore(results)
    listed = [
        k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
    ]
    assert sorted(listed) == sorted({} if alone else entries)
    assert (
        "another kind of network" in box.note.value
        and ": 1, such as <code>images-3x32</code>" in box.note.value
    )
    assert "No finished runs" not in box.note.value


def test_a_run_of_a_version_that_knows_more_is_left_out_too(results, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    ours, theirs = sorted(results.entries())[1:], sorted(results.entries())[0]
    folder = copy.folder(theirs)
    spec = {**json.loads((folder / "spec.json").read_text()), "unheard_of": 1}
    (folder / "spec.json").write_text(json.dumps(spec))
    done = json.loads((folder / "done.json").read_text())
    done["sha256"]["spec.json"] = files.digest((folder / "spec.json").read_bytes())
    (folder / "done.json").write_text(json.dumps(done))
    box = widgets.explore(copy)
    assert (
        sorted(
            k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
        )
        == ours
    )
    assert f": 1, such as <code>{theirs}</code>" in box.note.value


def test_a_run_damaged_meanwhile_is_said_and_the_others_stay(results, ids, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    box = widgets.explore(copy, ids[5, 0])
    (_, first), (_, second) = box.first.run.options[:2]
    box.first.run.value = first
    (copy.folder(second) / "arrays.npz").write_bytes(b"")
    box.first.run.value = second
    assert (
        "cannot be shown" in box.first.words.value
        and box.picture.layout.visibility == "hidden"
        and box.export_ticket.disabled
    )
    box.first.run.value = first
    assert "Level" in box.first.words.value and box.picture.layout.visibility == "visible"


def test_all_controls_have_a_label(box):
    for name, control in {**vars(box), **vars(box.first)}.items():
        if isinstance(control, ipywidgets.DOMWidget) and control.has_trait("description"):
            assert control.description or control.tooltip or isinstance(control, ipywidgets.HTML), (
                name
            )


def test_the_picture_comes_in_one_message_with_words_that_say_what_it_shows(box, monkeypatch):
    sent, titled = [], {side: f"4-8-8-2 · seed 0, level {side}" for side in (0, 2, 5)}
    monkeypatch.setattr(
        type(box.picture),
        "send_state",
        lambda self, key=None: sent.append(set([key] if isinstance(key, str) else key)),
    )
    box.first.slider.value = 2
    assert box.picture.tooltip == f"{titled[2]}; state of each weight"
    assert {"value", "tooltip"} in sent and not any(
        "value" in keys and "tooltip" not in keys for keys in sent
    )
    box.colours.value, box.pruned.value, box.layer.value, box.unit.value = "task", True, 1, 3
    assert (
        box.picture.tooltip
        == f"{titled[2]}; task whose outputs it leads to; pruned weights, faint; hidden layer 1, 4 lit up"
    )
    box.compare.value, box.first.slider.value = True, 5
    assert box.picture.tooltip.startswith(f"{titled[5]} beside {titled[0]}; ")


def test_a_message_that_comes_while_a_picture_is_drawn_has_the_last_word(box, monkeypatch):
    """JupyterLab's messages come in two threads; the first one's picture, drawn more slowly, must not stay."""
    box.first.slider.value = 1
    draw, second = (
        Screen.png,
        threading.Thread(target=setattr, args=(box.first.slider, "value", 4)),
    )

    def slowly(screen, views, options):
        drawn = draw(screen, views, options)
        if threading.current_thread() is threading.main_thread():
            second.start()
            second.join(0.5)
        return drawn

    monkeypatch.setattr(Screen, "png", slowly)
    box.pruned.value = True
    second.join()
    assert "level 4; " in box.picture.tooltip and "Level 4:" in box.first.words.value
    assert bytes(box.picture.value) == draw(Screen(), box.views(), box.options())


# colours, comparing, neurons


def test_each_switch_changes_the_picture_and_back(box):
    box.first.slider.value = 2
    plain = box.picture.value
    for control, value in (
        (box.colours, "subnetwork"),
        (box.colours, "task"),
        (box.pruned, True),
        (box.layer, 1),
        (box.compare, True),
    ):
        before = control.value
        control.value = value
        assert box.picture.value != plain
        control.value = before
        assert box.picture.value == plain


def test_two_levels_and_two_runs_stand_side_by_side(box, ids):
    box.compare.value = True
    box.second.slider.value, box.first.slider.value = 1, 4
    assert [(run.key, row) for run, row in box.views()] == [(ids[5, 0], 4), (ids[5, 0], 1)]
    assert "Level 1:" in box.second.words.value and "Level 4:" in box.first.words.value
    alone = box.picture.value
    box.second.run.value = ids[5, 1]
    assert box.picture.value != alone and box.views()[1][0].key == ids[5, 1]


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


def by_hand(ticket, x, silenced=None):
    """Every unit's value, over layers, from the plain torch model."""
    value, given = torch.from_numpy(x), [torch.from_numpy(x)]
    for module in ticket.model():
        value = module(value)
        if isinstance(module, torch.nn.ReLU):
            if silenced and silenced[0] == len(given):
                value = value.index_fill(1, torch.tensor([silenced[1]]), 0.0)
            given.append(value)
    return [v.detach().numpy() for v in (*given, value)]


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
    assert (
        explain(odd, 1, 2)
        == "neuron 3 of hidden layer 1 – inactive: no path leads from it to an output, so nothing it computes matters."
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
    """Every unit of a run's last levels: states by the table of weights, shares and shifts by the torch model."""
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
    box = widgets.explore([bare])
    assert bytes(box.picture.value).startswith(b"\x89PNG")


def test_a_chosen_neuron_stays_chosen_over_levels_and_its_sentence_follows(box):
    box.first.slider.value = 1
    box.layer.value, box.unit.value = 1, 3
    for level in (1, 4, 5):
        box.first.slider.value = level
        ticket = box.first.current_run.ticket(level)
        assert (box.layer.value, box.unit.value) == (1, 3)
        text = explain(ticket, 1, 3, data.load(SPEC.data))
        assert text in box.sentence.value
        assert [label.split(" – ")[1] for label, _ in box.unit.options] == [
            connectivity.STATE_NAMES[s]
            for s in connectivity.unit_states(ticket.masks)[1][0].tolist()
        ]


def test_the_forward_pass_is_the_models(results, ids):
    x = data.load(SPEC.data).x_test
    for level, silenced in itertools.product((0, 5), (None, (1, 2))):
        ticket = results.ticket(ids[5, 1], level)
        for ours, theirs in zip(
            unit_values(ticket, x, silenced), by_hand(ticket, x, silenced), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_decision_region_is_the_models(results, ids):
    ticket = results.ticket(ids[5, 0], 2)
    (chance,) = chances(ticket, [1], [(-2, 2, -1, 3)])
    point = np.float32(
        [0, 0, -2 + 4 * 10 / (decision_regions.GRID - 1), -1 + 4 * 20 / (decision_regions.GRID - 1)]
    )
    logits = ticket.model()(torch.from_numpy(point)).detach()
    assert chance[20, 10] == pytest.approx(logits[1].sigmoid().item(), abs=1e-5)


# images


def of_images(shape=(72, 30, 12, 6), keep=(2592, 900, 200), pixels=6, examples=400):
    """Two images side by side, one network at some levels with made-up trained values, and the run as a store would open it."""
    stream, classes = np.random.default_rng(4), shape[-1] // 2
    x, y = (
        stream.standard_normal((examples, shape[0]), dtype=np.float32),
        stream.integers(classes, size=(examples, 2)),
    )
    tasks = tuple(
        data.Task(
            n, range(k * pixels**2, (k + 1) * pixels**2), range(k * classes, (k + 1) * classes)
        )
        for k, n in enumerate(("a", "b"))
    )
    members, tickets = population.init(shape, [0]), []
    mask = members.mask
    for level, left in enumerate(keep):
        mask = pruning.keep_largest(members.parameters[:, : mask.shape[1]].abs(), mask, left)
        values = population.rewind(members, mask).parameters[0].numpy()
        trained = values + np.float32(0.01) * (values != 0)
        tickets.append(
            Ticket(shape, layers.split_mask(mask, shape), values, trained, tasks, 0, level)
        )
    names = {"a": [f"class {n}" for n in range(classes)]}
    return replace(
        choices.run_of_tickets(tickets), dataset=data.Dataset(x, y, x, y, tasks), class_names=names
    )


def drawn(run, row):
    figure, (view,) = lay_out([run], Options())
    view.level(row)
    return view, [t.get_text() for ax in figure.axes for t in ax.texts]


@pytest.mark.parametrize("row", [0, 1, 2])
def test_each_pixel_shows_its_active_weights(row):
    run = of_images()
    view, texts = drawn(run, row)
    graph = connectivity.to_networkx(run.ticket(row))
    for panel, task in zip(view.images, run.tasks, strict=True):
        (image,) = panel.pixels.images
        wanted = [
            sum(state == "active" for *_, state in graph.out_edges((0, i), data="state"))
            if (0, i) in graph
            else 0
            for i in task.inputs
        ]
        assert image.get_array().ravel().tolist() == wanted and (row == 0 or len(set(wanted)) > 1)
        assert (
            f"{sum(wanted)} active weights leave\n{np.count_nonzero(wanted)} of 36 pixels" in texts
        )


def test_each_class_has_its_accuracy():
    run = of_images()
    view, texts = drawn(run, 2)
    logits = by_hand(run.ticket(2), run.dataset.x_test)[-1]
    for k, panel in enumerate(view.images):
        labels, named = run.dataset.y_test[:, k], logits[:, 3 * k : 3 * k + 3].argmax(1)
        wanted = [(named[labels == c] == c).mean() for c in range(3)]
        assert [bar.get_width() for bar in panel.classes.patches] == pytest.approx(wanted)
        assert {f"{share:.0%}" for share in wanted} <= set(texts)
    assert {"class 0", "class 2", "0", "2"} <= set(
        texts
    )  # by name, or by number where there is none


def test_a_class_without_examples_and_a_single_output():
    tasks = (
        data.Task("one", range(0, 1), range(0, 1)),
        data.Task("three", range(1, 2), range(1, 4)),
    )
    dataset = data.Dataset(
        *[np.zeros((4, 2), np.float32), np.array([[0, 0], [1, 0], [1, 2], [1, 2]])] * 2, tasks
    )
    one, three = image_panels.class_accuracy(
        dataset, np.array([[-1, 3, 0, 0], [-1, 0, 3, 0], [2, 0, 0, 3], [2, 0, 0, 3]])
    )
    np.testing.assert_array_equal(one, [1, 2 / 3])
    np.testing.assert_array_equal(three, [0.5, np.nan, 1])


def test_what_is_not_known_of_classes_is_said():
    run = of_images((288, 30, 12, 6), (9072, 3000), pixels=12)
    bare = [replace(run.ticket(row), trained=None) for row in (0, 1)]
    unknown = replace(run, ticket=bare.__getitem__, cache={})
    assert any("not kept:\nmore than\n4096" in t for t in drawn(unknown, 0)[1])
    assert any(t.endswith("were not kept") for t in drawn(unknown, 1)[1])  # for another reason
    assert any("no test split" in t for t in drawn(replace(run, dataset=None, cache={}), 0)[1])


def test_the_forward_pass_of_a_thin_wide_layer_is_the_models():
    run = of_images((288, 100, 12, 6), (30072, 500), pixels=12)
    ticket, x = run.ticket(1), run.dataset.x_test
    for silenced in (None, (1, 2)):
        for ours, theirs in zip(
            unit_values(ticket, x, silenced), by_hand(ticket, x, silenced), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_image_ticket_is_drawn_fast():
    """At the thesis' size, in seconds of this thread: the best of three pictures."""
    run, screen, took = (
        of_images((1568, 784, 392, 20), (1544480, 4000), pixels=28, examples=10000),
        Screen(pictures=0),
        [],
    )
    for _ in range(4):
        run.cache.pop(("classes", 1), None)
        began = time.thread_time()
        screen.png([(run, 1)], Options())
        took.append(time.thread_time() - began)
    assert min(took[1:]) < 0.4, took


def test_subnetworks_stand_as_their_outputs_do():
    """A part that is reached by the first input, but serves the last output, is drawn below the other."""
    masks = [torch.tensor([[[0, 1], [1, 0]]]).bool(), torch.eye(2).bool()[None]]
    tasks = (
        data.Task("upper", range(0, 1), range(0, 1)),
        data.Task("lower", range(1, 2), range(1, 2)),
    )
    values = np.ones(12, np.float32)
    order = network_layout.common_order([Ticket((2, 2, 2), masks, values, values, tasks, 0, 1)])
    assert list(order[1]) == [0, 1]


# tickets without a store


def test_a_list_of_tickets_is_explored_at_its_own_levels(results, ids):
    box = widgets.explore([results.ticket(ids[5, 0], level) for level in (4, 0, 2)])
    assert not box.first.slider.readout and box.first.slider.max == 2
    for position, level in enumerate((0, 2, 4)):
        box.first.slider.value = position
        assert (
            f"Level {level}: {connectivity.status(results.ticket(ids[5, 0], level).masks, TASKS)[0]}."
            in box.first.words.value
        )


@pytest.mark.parametrize("given", [["no ticket"], [None]])
def test_anything_else_is_refused(given):
    with pytest.raises(SpecError, match="expected a Store, a list of Tickets"):
        widgets.explore(given)


def test_two_tickets_of_one_place_are_refused(odd):
    with pytest.raises(SpecError, match="two tickets are 2-3-3-2, seed 0, level 4"):
        widgets.explore([odd, odd])


# exports


def same(a, b):
    trained = (a.trained is None) == (b.trained is None) and (
        a.trained is None or np.array_equal(a.trained, b.trained)
    )
    return (
        trained
        and np.array_equal(a.initial, b.initial)
        and all(torch.equal(m, n) for m, n in zip(a.masks, b.masks, strict=True))
        and ((a.shape, a.tasks, a.seed, a.level) == (b.shape, b.tasks, b.seed, b.level))
    )


def metadata(kind, content):
    """Title and description of a picture, as other programs find them."""
    if kind == "png":
        found = Image.open(io.BytesIO(content)).info
        return {"Title": found["Title"], "About": found["Description"]}
    if kind == "svg":
        found = {
            e.tag.rpartition("}")[2]: "".join(e.itertext()).strip()
            for e in reversed(list(ElementTree.fromstring(content).iter()))
        }
        return {"Title": found["title"], "About": found["description"]}
    found = dict(re.findall(rb"/(Title|Subject) \((.*?)(?<!\\)\)", content, re.S))
    text = {n.decode(): re.sub(rb"\\(.)", rb"\1", t, flags=re.S) for n, t in found.items()}
    text = {
        n: t.decode("utf-16" if t.startswith(b"\xfe\xff") else "ascii") for n, t in text.items()
    }
    return {"Title": text["Title"], "About": text["Subject"]}


def readable_parts(kind, content):
    """The bytes of a picture, those packed inside a PDF unpacked."""
    packed = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S) if kind == "pdf" else []
    return content + b"".join(
        zlib.decompressobj().decompress(part) for part in packed if part.startswith(b"x")
    )


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_picture_is_exported_with_where_it_comes_from(box, results, ids, kind):
    box.kind.value, box.first.slider.value = kind, 3
    box.export_picture.click()
    path = Path(re.search("<code>(.*)</code>", box.message.value).group(1))
    assert (
        path.parent == results.root / "exports"
        and path.name == f"{ids[5, 0]}-level3-by-state.{kind}"
    )
    content = path.read_bytes()
    assert (
        content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])
        and len(content) > 20_000
    )
    about = f"4-8-8-2 · seed 0, level 3; state of each weight; {level_in_words(box.first.current_run, 3)}; lth_utils "
    said = metadata(kind, content)
    assert (
        said["Title"] == f"{ids[5, 0]}-level3"
        and said["About"].startswith(about)
        and "torch" in said["About"]
    )
    readable = readable_parts(kind, content)
    for private in (ROOT, results.root, Path.home(), Path.cwd()):
        assert (
            str(private).encode() not in readable
            and str(private).encode("utf-16-be") not in readable
        )
    again = widgets.explore(results, ids[5, 0])
    again.kind.value, again.first.slider.value = kind, 3
    again.export_picture.click()
    assert path.read_bytes() == content


def test_the_exported_ticket_is_read_back_equal(box, results, ids):
    for level in (0, 4):
        box.first.slider.value = level
        box.export_ticket.click()
        path = results.root / "exports" / f"{ids[5, 0]}-level{level}.npz"
        assert str(path) in box.message.value
        assert same(ticket_files.load(path), results.ticket(ids[5, 0], level))
    assert not same(ticket_files.load(path), results.ticket(ids[5, 0], 0))


def test_a_ticket_without_trained_values_is_read_back_too(odd, tmp_path):
    bare = Ticket(odd.shape, odd.masks, odd.initial, None, odd.tasks, odd.seed, odd.level)
    assert same(ticket_files.load(ticket_files.save(bare, tmp_path / "bare.npz")), bare)


def test_other_files_are_refused_by_name(odd, tmp_path):
    whole = ticket_files.save(odd, tmp_path / "whole.npz").read_bytes()
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("other", "cut", "empty", "missing"):
        with pytest.raises(StoreError, match=f"{name}.npz"):
            ticket_files.load(tmp_path / f"{name}.npz")


def test_an_export_that_cannot_be_written_is_said(box, tmp_path):
    (tmp_path / "file").write_text("")
    object.__setattr__(box.catalogue, "exports", tmp_path / "file" / "exports")
    for button in (box.export_ticket, box.export_picture):
        box.message.value = ""
        button.click()
        assert "Not written" in box.message.value and "cannot write" in box.message.value


# figures


def test_nothing_is_left_open(results, ids):
    plt.close("all")
    box = widgets.explore(results, ids[5, 1])
    box.compare.value = True
    box.export_picture.click()
    widgets.picture(results, ids[5, 1])
    assert plt.get_fignums() == []


def test_drawing_leaves_the_settings_of_others_alone(results, ids):
    threads, size = torch.get_num_threads(), mpl.rcParams["font.size"]
    widgets.explore(results, ids[5, 1])
    assert (torch.get_num_threads(), mpl.rcParams["font.size"]) == (threads, size)
    assert gc.isenabled()


def test_the_facts_are_those_of_the_table(results, ids):
    facts = widgets.facts(results, ids[5, 1], 4)
    row = rows_of(results, ids[5, 1]).loc[4]
    assert all(
        facts[name] == row[name]
        for name in ("status", "level", "available", "active", "inactive", "zombie", "subnetworks")
    )


def test_a_level_is_drawn_fast():
    """The median over all levels of 4-57-57-2, in seconds of this thread, which others on the machine cannot take away."""
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


# the notebook


@pytest.mark.parametrize(
    "folder", sorted(p for p in (ROOT / "parameters").iterdir() if p.is_dir()), ids=lambda p: p.name
)
def test_the_notebook_shows_the_runs_of_the_first_one(folder):
    first, ours = (
        config.read(folder / f"{name}.yaml") for name in ("01_toy_data", "05_ticket_explorer")
    )
    common = set(first) & set(ours)
    assert {n: first[n] for n in common} == {n: ours[n] for n in common} and {
        "seeds",
        "base",
        "levels",
        "rate",
    } <= common

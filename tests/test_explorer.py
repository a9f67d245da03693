"""The explorer without a browser: its widgets driven from Python."""

import gc
import re
import threading

import ipywidgets
import matplotlib as mpl
import pytest
import torch
from conftest import ROOT
from explorer_cases import SPEC, explored_store, ids_in, rows_of
from matplotlib import pyplot as plt

from lth_utils import config, connectivity, data
from lth_utils.explorer import widgets
from lth_utils.explorer.explanation import explain
from lth_utils.explorer.screen import Screen


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def box(results, ids):
    return widgets.explore(results, ids[5, 0])


# levels


def test_every_level_has_its_own_picture_and_its_words_agree_with_the_store(box, results, ids):
    rows = rows_of(results, ids[5, 0])
    seen = set()
    for level, row in rows.iterrows():
        box.first.slider.value = level
        seen.add(bytes(box.picture.value))
        assert f"Level {level}: {row['status']}." in box.first.words.value
        pattern = (
            r"Of (\d+) available weights (\d+) active, (\d+) inactive, (\d+) zombie; "
            r"(\d+) subnetwork"
        )
        numbers = re.search(pattern, box.first.words.value)
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


def test_the_buttons_step_and_stop_at_the_ends(box):
    box.first.slider.value = 4
    box.first.next_button.click()
    box.first.next_button.click()
    assert box.first.slider.value == 5
    for _ in range(9):
        box.first.previous_button.click()
    assert box.first.slider.value == 0


def test_a_run_begins_where_it_separated_else_at_its_last_whole_level(results):
    for run_id in results.entries():
        words = list(rows_of(results, run_id)["status"])
        whole = [n for n, w in enumerate(words) if w != "degraded"]
        expected = words.index("separated") if "separated" in words else whole[-1]
        assert widgets.explore(results, run_id).first.slider.value == expected


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


# words beside the picture


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
    assert box.picture.tooltip == (
        f"{titled[2]}; task whose outputs it leads to; pruned weights, faint; "
        "hidden layer 1, 4 lit up"
    )
    box.compare.value, box.first.slider.value = True, 5
    assert box.picture.tooltip.startswith(f"{titled[5]} beside {titled[0]}; ")


def test_a_message_that_comes_while_a_picture_is_drawn_has_the_last_word(box, monkeypatch):
    """JupyterLab's messages come in two threads; a picture drawn more slowly must not stay."""
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


# what it leaves


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

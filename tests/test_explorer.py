"""The explorer without a browser: its widgets and traits driven from Python."""

import base64
import gc
import html
import io
import time
from dataclasses import replace

import ipywidgets
import matplotlib as mpl
import pytest
import traitlets
from conftest import ROOT
from explorer_cases import SPEC, explored_store, ids_in, rows_of
from matplotlib import pyplot as plt
from PIL import Image

from lth_utils import config, explorer
from lth_utils.config import SpecError
from lth_utils.explorer import still
from lth_utils.explorer.follow import Follower
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.viewer.words import level_in_words


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def box(results, ids):
    return explorer.explore(results, ids[5, 0])


# traits


def test_what_is_set_on_the_explorer_is_shown_and_the_other_way_round(box):
    box.level = 3
    assert box.view.level == 3
    box.view.level = 1
    assert box.level == 1
    box.colours, box.neuron, box.gone = "task", [1, 2], True
    assert (box.view.colours, box.view.neuron, box.view.gone) == ("task", [1, 2], True)
    box.view.neuron = None
    assert box.neuron is None


def test_own_widgets_drive_the_view_and_follow_it(box):
    slider = ipywidgets.IntSlider(max=5)
    traitlets.link((slider, "value"), (box, "level"))
    slider.value = 4
    assert box.view.level == 4
    box.view.level = 2
    assert slider.value == 2
    mine = ipywidgets.interactive(lambda level: setattr(box, "level", level), level=(0, 5))
    mine.children[0].value = 5
    assert box.view.level == 5


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("level", 99, "level is 99; this run has levels 0 to 5"),
        ("colours", "taks", "did you mean task"),
        ("curves", "structur", "did you mean structure"),
        ("neuron", [1, 8], r"neuron is \[1, 8\]; expected a layer from 0 to 3"),
        ("neuron", [1], "expected a layer"),
        ("run", "moons", "no run 'moons' among the 5 to explore"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_nothing_changes(box, name, value, said):
    before = box.view.state()
    with pytest.raises(SpecError, match=said):
        setattr(box, name, value)
    assert box.view.state() == before
    assert {key: getattr(box, key) for key in before} == before


def test_arguments_are_the_view(results, ids):
    made = explorer.explore(
        results, ids[5, 0], level=4, colours="task", neuron=(1, 3), compare=(ids[5, 1], 2)
    )
    assert made.view.state() == {
        "run": ids[5, 0], "level": 4, "colours": "task", "curves": "scores",
        "neuron": [1, 3], "gone": False,
        "compare": True, "compare_run": ids[5, 1], "compare_level": 2,
    }  # fmt: skip
    with pytest.raises(SpecError, match="levels 0 to 5"):
        explorer.explore(results, ids[5, 0], level=6)


def test_a_run_begins_where_it_separated_else_at_its_last_whole_level(results):
    for run_id in results.entries():
        words = list(rows_of(results, run_id)["status"])
        whole = [n for n, w in enumerate(words) if w != "degraded"]
        expected = words.index("separated") if "separated" in words else whole[-1]
        assert explorer.explore(results, run_id).level == expected


def test_another_run_of_as_many_levels_keeps_the_level(box, ids):
    box.level = 2
    box.listed.value = ids[5, 1]
    assert (box.run, box.level) == (ids[5, 1], 2)
    box.listed.value = ids[0, 0]
    assert (box.run, box.level) == (ids[0, 0], 0)


def test_a_second_run_stands_beside_and_goes_away(box, ids):
    box.beside.value = ids[5, 1]
    assert box.compare and box.compare_run == ids[5, 1]
    assert {ids[5, 0], ids[5, 1]} <= {run["key"] for run in box.view.runs}
    box.beside.value = ""
    assert not box.compare


def test_few_runs_stay_in_the_browser(box, results, ids, monkeypatch):
    monkeypatch.setattr("lth_utils.explorer.view.MOST_RUNS", 4)
    for run in [*results.entries(), ids[5, 0]]:
        box.run = run
        assert box.view.runs[-1]["key"] == run or run in [r["key"] for r in box.view.runs]
    assert len(box.view.runs) <= 4


def test_all_controls_have_a_label(box):
    for name, control in vars(box).items():
        if isinstance(control, ipywidgets.DOMWidget) and control.has_trait("description"):
            assert control.description or isinstance(control, ipywidgets.HTML), name


# without a kernel


def test_the_saved_view_is_alive_where_scripts_are_allowed_else_a_picture(box, ids):
    bundle = still.bundle(box.view)
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.width > 600
    text = bundle["text/html"]
    assert (
        text.count("<iframe") == 1 and f'src="data:image/png;base64,{bundle["image/png"]}' in text
    )
    inside = html.unescape(text.partition('srcdoc="')[2].partition('"></iframe>')[0])
    assert f'"run":"{ids[5, 0]}"' in inside and "DecompressionStream" in inside
    assert bundle["text/plain"] == level_in_words(box.view.current_run, box.view.row)
    hosts = {part.split("/")[2] for part in inside.split('"') if part.startswith("http")}
    assert hosts <= {"www.w3.org"}


def test_the_last_picture_of_the_browser_is_what_is_saved(box, monkeypatch):
    shown, updated = [], []

    class Handle:
        def update(self, bundle, raw):
            updated.append(bundle)

    def display(bundle, raw, display_id=False):
        shown.append(bundle)
        return Handle() if display_id else None

    monkeypatch.setattr("lth_utils.explorer.explorer.display", display)
    box._ipython_display_()
    assert "application/vnd.jupyter.widget-view+json" in shown[0] and "text/html" in shown[1]
    content = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(content, "png")
    box.view.words = "Level 7"
    encoded = base64.b64encode(content.getvalue()).decode()
    box.view.picture = f"data:image/png;base64,{encoded}"
    (last,) = updated
    saved = Image.open(io.BytesIO(base64.b64decode(last["image/png"]))).convert("RGB")
    assert saved.size == (30, 20) and saved.getpixel((3, 3)) == (255, 0, 0)
    assert last["text/plain"] == "Level 7"


# a sweep that is running


def test_bands_grow_while_a_sweep_runs_and_end_in_the_list(results, tmp_path):
    store, texts, finished = Store(tmp_path), [], []
    spec = replace(SPEC, seed=7)
    follower = Follower(store, texts.append, finished.extend)
    assert "No run has finished a level" in follower.html()
    follower.look()
    assert texts == []
    original = Store.save_partial

    def saved(self, *arguments):
        original(self, *arguments)
        follower.look()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "save_partial", saved)
        sweep.run([spec], store, device="cpu")
    follower.look()
    run_id = config.run_id(spec)
    counts = [text.count("<span style='width") for text in texts]
    assert counts == sorted(counts) and counts[-1] == len(rows_of(store, run_id)) > counts[0] >= 1
    assert finished == [run_id] and "1 of 1 runs seen so far are finished" in texts[-1]


def test_following_shows_new_runs_without_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr("lth_utils.explorer.follow.EVERY", 0.05)
    store = Store(tmp_path)
    made = explorer.explore(store, follow=True)
    made._follower.every = 0.05
    assert made.view is None and "make reproduce" in made.note.value
    sweep.run([replace(SPEC, seed=8)], store, device="cpu")
    end = time.monotonic() + 20
    while made.view is None and time.monotonic() < end:
        time.sleep(0.05)
    assert made.run == config.run_id(replace(SPEC, seed=8)) and "finished" in made.bands.value
    made.close()
    with pytest.raises(SpecError, match="follow=True is for a Store"):
        explorer.explore([store.ticket(made.run)], follow=True)


# what it leaves


def test_nothing_is_left_open_and_settings_of_others_stay(results, ids):
    plt.close("all")
    size = mpl.rcParams["font.size"]
    box = explorer.explore(results, ids[5, 1])
    box.export_picture.click()
    explorer.picture(results, ids[5, 1])
    assert plt.get_fignums() == [] and mpl.rcParams["font.size"] == size and gc.isenabled()


def test_the_facts_are_those_of_the_table(results, ids):
    facts = explorer.facts(results, ids[5, 1], 4)
    row = rows_of(results, ids[5, 1]).loc[4]
    assert all(
        facts[name] == row[name]
        for name in ("status", "level", "available", "active", "inactive", "zombie", "subnetworks")
    )


@pytest.mark.parametrize("colours", ["state", "subnetwork", "task"])
def test_the_figure_has_the_network_and_the_regions(results, ids, colours):
    figure = explorer.picture(results, ids[5, 0], 2, colours)
    axes = [ax for part in figure.subfigs for ax in part.axes]
    assert len(axes) == 3 and "level 2" in axes[0].get_title("left")


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

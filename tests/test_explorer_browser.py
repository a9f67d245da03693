"""Notebook 05 in a JupyterLab in a headless Chromium, by mouse and by keyboard."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from conftest import ARTEFACTS, ROOT

from lth_utils import config, data
from lth_utils.explorer import choices, widgets
from lth_utils.explorer.explanation import explain
from lth_utils.explorer.run import Options
from lth_utils.explorer.screen import Screen
from lth_utils.runs import store, ticket_files

QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
IMAGE = ".jp-OutputArea-output .widget-image"
SLIDER = ".widget-hslider .noUi-handle"
PATIENCE = 120_000
"""Milliseconds to wait for anything: a machine may be slow."""
PIXELS = """([selector, words]) => {
  const image = document.querySelector(selector);
  if (!image || !new RegExp(words + '$').test(image.title)) return false;
  if (!image.complete || !image.naturalWidth) return false;
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4)
    sum = (sum * 31 + data[i] * 65536 + data[i + 1] * 256 + data[i + 2]) | 0;
  return [sum];
}"""
"""A checksum of the picture's pixels, once a decoded one has words that end so.

The words come with the picture, in one message.
"""
WORDS = "[...document.querySelectorAll('[role=status]')].map(e => e.textContent)"
STATE = f"""() => 'picture: ' + document.querySelector('{IMAGE}')?.title +
  '; focus on ' + document.activeElement.className + '; slider at ' +
  [...document.querySelectorAll('.noUi-handle')].map(e => e.getAttribute('aria-valuenow')) +
  '; ' + {WORDS}.join(' | ')"""
"""What explains why something awaited did not come."""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Where the notebook's results go; its cells train a few small runs."""
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="module")
def lab(results, tmp_path_factory):
    """The address of a JupyterLab on a copy of the notebook with the smoke set's parameters."""
    folder, token = tmp_path_factory.mktemp("lab"), secrets.token_hex(16)
    notebook = json.loads((ROOT / "notebooks" / "05_ticket_explorer.ipynb").read_text())
    given = {
        **config.read(ROOT / "parameters" / "smoke" / "05_ticket_explorer.yaml"),
        "set_name": "smoke",
    }
    (cell,) = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
    cell["source"] = [*cell["source"], *(f"\n{name} = {value!r}" for name, value in given.items())]
    (folder / "root").mkdir()
    (folder / "root" / "explorer.ipynb").write_text(json.dumps(notebook))
    (folder / "config" / "labconfig").mkdir(parents=True)
    (folder / "config" / "labconfig" / "default_setting_overrides.json").write_text(
        json.dumps(QUIET)
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "MPLCONFIGDIR": "matplotlib",
    }
    environment = {
        **os.environ,
        **{name: str(folder / place) for name, place in own.items()},
        "LTH_OUTPUTS": str(results),
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={folder / 'root'}",
                "--LabApp.news_url=",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                "--LabApp.extension_manager=readonly",
                "--LabApp.expose_app_in_browser=True",
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2
            ).close()
            break
        except OSError:
            assert server.poll() is None and time.monotonic() < end, (
                folder / "lab.log"
            ).read_text()[-3000:]
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/doc/tree/explorer.ipynb?token={token}&reset"
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def page(browser, lab):
    """The notebook, all cells run."""
    page = browser.new_page(viewport={"width": 1500, "height": 1500})
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.on(
        "console",
        lambda message: page.problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(lab, wait_until="domcontentloaded")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("() => window.jupyterapp.restored.then(() => 1)")
    page.wait_for_function("""() => [...window.jupyterapp.shell.widgets('main')].some(w =>
        w.sessionContext?.session?.kernel?.status === 'idle')""")
    page.evaluate(
        "() => window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)"
    )
    page.wait_for_function("""() => [...window.jupyterapp.shell.widgets('main')].every(w =>
        [...w.content.model.cells].every(cell => cell.type !== 'code' || cell.executionCount))""")
    page.locator(IMAGE).wait_for()
    page.locator(SLIDER).first.scroll_into_view_if_needed()
    yield page
    page.screenshot(path=ARTEFACTS / "explorer.png", full_page=True)
    page.close()


def wait_for(page, condition, argument, what):
    """What a condition in the browser says, once it says anything."""
    try:
        return page.wait_for_function(condition, arg=argument).json_value()
    except Exception as error:
        raise AssertionError(f"no {what}; {page.evaluate(STATE)}") from error


def picture(page, level, *more, of=""):
    """A checksum of the picture that says it shows this; level: of one network, or a pattern."""
    words = "; ".join([f"{of}, level {level}", "state of each weight", *more])
    return wait_for(page, PIXELS, [IMAGE, words], f"picture of {words}")[0]


def words_on(page, level):
    """The words beside the slider, as soon as they speak of this level."""
    return wait_for(
        page,
        f"(start) => {WORDS}.find(words => words.startsWith(start))",
        f"Level {level}:",
        f"words on level {level}",
    )


def wait_for_run(page, results, run_id):
    """The words and the picture of a run's first view."""
    kept = store.Store(results)
    said = widgets.facts(kept, run_id)
    page.get_by_role("status").filter(has_text=said["words"]).wait_for()
    picture(page, said["level"], of=f"seed {kept.spec(run_id).seed}")


def to_level(page, level):
    """By keyboard, each step awaited, else words of an earlier visit could be taken for these."""
    page.locator(SLIDER).first.focus()
    page.keyboard.press("Home")
    words = words_on(page, 0)
    for step in range(1, level + 1):
        page.keyboard.press("ArrowRight")
        words = words_on(page, step)
    return words


@pytest.fixture
def run(results, page):
    """The run that the notebook shows first, and its rows."""
    facts = json.loads((results / "smoke" / "facts" / "05_ticket_explorer.json").read_text())
    table = store.Store(results).table()
    return table[table["run"] == facts["view"]["run"]].reset_index()


def test_the_arrow_keys_move_the_level_and_the_words_agree_with_the_store(page, run):
    for level, row in run.iterrows():
        words = to_level(page, level)
        assert f"Level {level}: {row['status']}." in words
        assert (
            f"Of {row['available']} available weights {row['active']} active, "
            f"{row['inactive']} inactive, {row['zombie']} zombie;"
        ) in words
        assert (
            f"accuracy circles {row['accuracy_circles']:.1%}, moons {row['accuracy_moons']:.1%}"
            in words
        )


def test_the_picture_follows_the_slider_and_comes_back(page):
    seen = []
    for level in (0, 1, 0):
        to_level(page, level)
        seen.append(picture(page, level))
    assert seen[0] == seen[2] != seen[1]


def test_the_mouse_drags_the_level(page, run):
    to_level(page, 0)
    before = picture(page, 0)
    handle, track = (
        page.locator(SLIDER).first.bounding_box(),
        page.locator(".widget-hslider .noUi-target").first.bounding_box(),
    )
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + track["width"] * step / 10, y)
    page.mouse.up()
    words_on(page, len(run) - 1)
    assert picture(page, len(run) - 1) != before


def test_buttons_and_play_go_through_the_levels(page, run):
    to_level(page, 0)
    page.get_by_role("button", name="next ▶").press("Enter")
    words_on(page, 1)
    page.get_by_role("button", name="◀ previous").press("Enter")
    words_on(page, 0)
    page.locator(".widget-play button").first.press("Enter")
    words_on(page, len(run) - 1)
    page.locator(".widget-play .fa-play").wait_for()  # it stops a beat after the last level


def test_another_run_ends_the_play(page, results, run):
    to_level(page, 0)
    start, _, again = page.locator(".widget-play button").all()
    again.press("Enter")  # round and round, until it is stopped
    start.press("Enter")
    page.locator(".widget-play .fa-pause").wait_for()
    lists = page.get_by_label("Run", exact=True)
    before, other = (
        lists.input_value(),
        next(r for r in store.Store(results).entries() if r != run["run"][0]),
    )
    lists.select_option(index=1 - lists.evaluate("e => e.selectedIndex"))
    wait_for_run(page, results, other)
    page.locator(".widget-play .fa-play").wait_for()
    to_level(page, 0)
    page.wait_for_timeout(1500)  # two of its beats
    assert page.locator(SLIDER).first.get_attribute("aria-valuenow") == "0.0"
    again.press("Enter")
    lists.select_option(before)
    wait_for_run(page, results, run["run"][0])


def test_another_run_is_chosen_from_the_list(page, results, run):
    """By keyboard: the space bar opens a list, as JupyterLab uses bare arrow keys itself."""
    lists = page.get_by_label("Run", exact=True)
    table = store.Store(results).table()
    rows = table[table["run"] != run["run"][0]].reset_index()
    before = lists.input_value()
    lists.focus()
    for key in (
        "Space",
        "ArrowDown" if lists.evaluate("e => e.selectedIndex") == 0 else "ArrowUp",
        "Enter",
    ):
        page.keyboard.press(key)
    wait_for_run(page, results, rows["run"][0])
    for level, row in rows.iterrows():
        assert f"Of {row['available']} available weights {row['active']} active" in to_level(
            page, level
        )
    lists.select_option(before)
    wait_for_run(page, results, run["run"][0])


def test_a_neuron_lights_up_and_is_explained(page, results, run):
    to_level(page, 1)
    plain = picture(page, 1)
    assert page.get_by_label("Neuron of").evaluate("e => e.selectedIndex") == 0
    page.get_by_label("Neuron of").select_option("hidden layer 1")
    lit = picture(page, 1, "hidden layer 1, \\d+ lit up")
    said = page.get_by_text(re.compile(r"^neuron \d+ of hidden layer 1 "))
    said.wait_for()
    words = said.inner_text()
    ticket = store.Store(results).ticket(run["run"][0], 1)
    dataset = data.load(store.Store(results).spec(run["run"][0]).data)
    assert words == explain(ticket, 1, int(words.split()[1]) - 1, dataset)
    page.get_by_label("Neuron of").select_option("no layer")
    assert picture(page, 1) == plain != lit


def test_two_levels_side_by_side(page):
    to_level(page, 1)
    alone = picture(page, 1)
    box = page.get_by_label("compare with a second run or level")
    box.press("Space")
    assert picture(page, "1 beside .*, level 0") != alone
    page.get_by_label("Run, right").wait_for()
    box.press("Space")
    assert picture(page, 1) == alone


def test_the_ticket_is_exported_and_read_back(page, results, run):
    to_level(page, 1)
    page.get_by_role("button", name="Export the ticket").press("Enter")
    path = results / "exports" / f"{run['run'][0]}-level1.npz"
    page.get_by_text(str(path)).wait_for()
    found, wanted = ticket_files.load(path), store.Store(results).ticket(run["run"][0], 1)
    assert all((a == b).all() for a, b in zip(found.masks, wanted.masks, strict=True))
    assert np.array_equal(found.trained, wanted.trained) and np.array_equal(
        found.initial, wanted.initial
    )


def test_a_level_is_shown_soon(page, results, run):
    """From the key to the decoded picture, the better of two that no cache holds yet.

    Where drawing alone is slow, that may take longer.
    """
    faint = "pruned weights, faint"
    page.get_by_label(faint).press("Space")  # other pictures than those shown so far
    to_level(page, 0)
    picture(page, 0, faint)
    shown, screen, took, drawing = (
        choices.open_run(store.Store(results), run["run"][0]),
        Screen(),
        [],
        [],
    )
    for level in (1, 2):
        began = time.perf_counter()
        page.keyboard.press("ArrowRight")
        picture(page, level, faint)
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        screen.png([(shown, level)], Options(pruned=True))
        drawing.append(time.perf_counter() - began)
    assert min(took) < max(1, 10 * min(drawing)), (took, drawing)


def test_nothing_went_wrong_on_the_way(page):
    """Runs last: no error in the browser's console, none in any cell, none in the kernel's log."""
    assert page.problems == []
    assert (
        page.locator(
            ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']"
        ).all_inner_texts()
        == []
    )
    assert not re.search("Traceback|Error:", page.locator(".jp-Notebook").inner_text())

"""The viewer in a page that is opened from disk, by mouse, by keyboard and by address."""

import os
import re
import xml.etree.ElementTree as ET
from urllib.parse import quote

import numpy as np
import pytest
import torch
from conftest import ARTEFACTS
from viewer_cases import AXE, SCREENS, write_page

from lth_utils.networks.values import unit_values
from lth_utils.runs import ticket_files
from lth_utils.viewer.class_scores import class_scores
from lth_utils.viewer.run import relatives
from lth_utils.viewer.words import level_in_words

PATIENCE = 10_000
"""Milliseconds to wait for anything: a machine may be slow."""
DRAWN = "() => window.lthViewer?.stage.met && !lthViewer.waiting"
INK = """() => { const c = document.querySelector('.lth-viewer canvas');
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0;
  for (let n = 0; n < data.length; n += 4)
    sum = (sum * 31 + data[n] * 65536 + data[n + 1] * 256 + data[n + 2]) | 0;
  return sum; }"""
"""A checksum of the first picture."""
LATENCY = """async ([steps, densest]) => {
  const viewer = lthViewer, canvas = document.querySelector('.lth-viewer canvas'), took = [];
  const [run] = viewer.shown('left'), last = run.height - 1;
  await viewer.set({level: run.rows.level[0]});
  canvas.focus();
  for (let n = 0; n < steps; n++) {
    const back = densest ? n % 2 : Math.floor(n / last) % 2;
    await new Promise(done => setTimeout(done, 40 + 37 * Math.random()));
    const began = performance.now();
    const drawn = new Promise(done =>
      viewer.root.addEventListener('lth-drawn', done, {once: true}));
    const key = back ? 'ArrowLeft' : 'ArrowRight';
    canvas.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    await drawn;
    const painted = new MessageChannel();
    await new Promise(done => { painted.port1.onmessage = done; painted.port2.postMessage(0); });
    took.push(performance.now() - began);
  }
  const quartile = all => all.sort((a, b) => a - b)[all.length >> 2];
  return [quartile(took), took[took.length >> 1]];
}"""
"""From a key to the task after the painted frame, milliseconds: lower quartile and median."""


def crowd():
    """How many processes share a core here: 1 where nothing else runs."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("viewer"))


@pytest.fixture(scope="module")
def runs(made):
    return made[1]


@pytest.fixture(scope="module")
def points(runs):
    """The run of points of ten levels."""
    return next(run for run in runs.values() if run.shape == (4, 57, 57, 2))


@pytest.fixture(scope="module")
def images(runs):
    return next(run for run in runs.values() if run.shape[0] == 392)


def opened(browser, made, address="", **options):
    """A tab with the page, what it asked for and what went wrong in it."""
    options = {"viewport": {"width": 1366, "height": 768}, **options}
    tab = browser.new_page(**options)
    tab.set_default_timeout(PATIENCE)
    tab.asked, tab.problems = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("console", lambda m: tab.problems.append(m.text) if m.type == "error" else None)
    tab.goto(made[0].as_uri() + address)
    tab.wait_for_function(DRAWN)
    return tab


@pytest.fixture(scope="module")
def shared_tab(browser, made):
    tab = opened(browser, made)
    yield tab
    assert tab.problems == []
    assert [u for u in tab.asked if not u.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture
def tab(shared_tab, points):
    """The tab with the run of points at its first view."""
    show(shared_tab, run=points.key, level=0, colours="state", neuron=None, compare=False)
    shared_tab.evaluate("lthViewer.stage.zoomBy(0)")
    return shared_tab


def show(tab, **state):
    tab.evaluate("state => lthViewer.set(state)", state)
    tab.wait_for_timeout(120)  # two frames, and the fine regions


def words(tab):
    return tab.locator(".lth-words").first.inner_text()


def at(tab, level):
    tab.wait_for_function(f"() => lthViewer.state.level === {level}")


def ink(tab):
    tab.wait_for_timeout(120)
    return tab.evaluate(INK)


def focus(tab):
    tab.locator(".lth-viewer canvas").first.focus()


# levels


def test_the_first_frame_comes_within_a_second(browser, made):
    took = []
    for _ in range(3):
        tab = opened(browser, made)
        took.append(tab.evaluate("performance.now()"))
        tab.close()
    assert min(took) < 1000 * crowd(), took


def test_keys_reach_every_level_and_the_words_are_those_of_the_store(tab, points):
    focus(tab)
    tab.keyboard.press("Home")
    for row in range(len(points.rows)):
        at(tab, row)
        assert words(tab).startswith(level_in_words(points, row))
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("End")
    at(tab, len(points.rows) - 1)
    tab.keyboard.press("ArrowLeft")
    at(tab, len(points.rows) - 2)


def test_slider_and_buttons_move_the_level(tab):
    slider = tab.get_by_label("Pruning level", exact=True)
    slider.focus()
    tab.keyboard.press("ArrowRight")
    at(tab, 1)
    assert slider.get_attribute("aria-valuetext").startswith("Level 1:")
    tab.get_by_role("button", name="Next level").click()
    at(tab, 2)
    tab.get_by_role("button", name="Previous level").press("Enter")
    at(tab, 1)
    box = slider.bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    at(tab, 9)


def test_going_back_brings_the_same_picture(tab):
    seen = []
    for level in (0, 6, 0):
        show(tab, level=level)
        seen.append(ink(tab))
    assert seen[0] == seen[2] != seen[1]


def test_it_plays_at_several_speeds_and_stops(tab):
    tab.get_by_label("Speed of playing").select_option("4×")
    tab.get_by_role("button", name="▶ play").click()
    at(tab, 2)
    tab.get_by_role("button", name="❚❚ pause").click()
    level = tab.evaluate("lthViewer.state.level")
    tab.wait_for_timeout(700)
    assert tab.evaluate("lthViewer.state.level") == level < 9
    focus(tab)
    tab.keyboard.press("Space")
    at(tab, 9)
    tab.get_by_role("button", name="▶ play").wait_for()


def test_another_run_ends_the_play(tab, runs):
    tab.get_by_role("button", name="▶ play").click()
    other = next(key for key, run in runs.items() if run.shape == (4, 8, 8, 2))
    tab.get_by_label("Run", exact=True).select_option(other)
    tab.get_by_role("button", name="▶ play").wait_for()
    script = "title => document.querySelector('canvas').ariaLabel.startsWith(title)"
    tab.wait_for_function(script, arg=runs[other].title)


def test_it_jumps_to_the_separation_or_says_there_is_none(tab, points, runs):
    tab.get_by_role("button", name="separation").click()
    at(tab, list(points.rows["status"]).index("separated"))
    never = next(k for k, run in runs.items() if "separated" not in set(run.rows["status"]))
    show(tab, run=never)
    focus(tab)
    tab.keyboard.press("s")
    tab.get_by_text("This run never separates.").wait_for()


def test_a_run_that_stopped_early_says_so(tab, runs):
    early = next(r for r in runs.values() if r.asked_levels > r.rows["level"].iloc[-1])
    show(tab, run=early.key, level=int(early.rows["level"].iloc[-1]))
    assert f"The run stopped here; {early.asked_levels} pruning" in words(tab)


def test_a_run_of_one_level_has_nothing_to_slide(tab, runs):
    one = next(run for run in runs.values() if len(run.rows) == 1)
    show(tab, run=one.key)
    assert tab.get_by_label("Pruning level", exact=True).is_disabled()
    assert words(tab).startswith("Level 0:")


# what is looked at


def test_each_colouring_has_its_own_picture(tab):
    show(tab, level=9)
    seen = set()
    for name in ("state", "subnetwork", "task"):
        tab.get_by_label("Colours").select_option(name)
        seen.add(ink(tab))
    tab.get_by_label("pruned here").check()
    seen.add(ink(tab))
    tab.get_by_label("pruned here").uncheck()
    assert len(seen) == 4


def middle_of(tab, expression):
    """A place in the window, from a place in the canvas."""
    box = tab.locator(".lth-viewer canvas").first.bounding_box()
    x, y = tab.evaluate(expression)
    return box["x"] + x, box["y"] + y


def test_a_weight_under_the_pointer_says_its_value_state_and_end(tab, points):
    show(tab, level=8)
    place = """() => { const [met] = lthViewer.stage.met, [run, row] = lthViewer.shown('left');
      const e = met.e[met.chosen.at(-1)], [s, t] = [run.source[e], run.target[e]];
      window.chosenWeight = [s, t, run.lifetimes[e]];
      return [0.5 * (met.px[s] + met.px[t]), met.network.y + 0.5 * (met.py[s] + met.py[t])]; }"""
    tab.mouse.move(*middle_of(tab, place))
    tip = tab.locator(".lth-tip").inner_text()
    s, t, lifetime = tab.evaluate("chosenWeight")
    starts = np.cumsum([0, *points.shape])
    layer = int(np.searchsorted(starts, s, side="right")) - 1
    value = float(points.ticket(8).weights[layer][0, t - starts[layer + 1], s - starts[layer]])
    shown = float(re.search(r"weight (−?[\d.e−+]+)", tip)[1].replace("−", "-"))
    assert shown == pytest.approx(value, rel=1e-2)
    end = "never pruned" if lifetime == len(points.rows) else f"pruned at level {lifetime}"
    assert tip.endswith(end) and re.search("active|inactive|zombie", tip)


def test_a_neuron_is_hovered_clicked_and_said_with_all_its_relatives(tab, points):
    show(tab, level=9)
    place = """() => { const [met] = lthViewer.stage.met, [run, row] = lthViewer.shown('left');
      window.chosenUnit = [...Array(57).keys()].find(u =>
        run.states[row * run.units + 4 + u] === 1);
      return [met.px[4 + chosenUnit], met.network.y + met.py[4 + chosenUnit]]; }"""
    where = middle_of(tab, place)
    plain = ink(tab)
    tab.mouse.move(*where)
    unit = tab.evaluate("chosenUnit")
    begins = f"neuron {unit + 1} of hidden layer 1 – active: "
    assert tab.locator(".lth-tip").inner_text().startswith(begins)
    tab.mouse.click(*where)
    said = tab.get_by_text(re.compile(begins)).last.inner_text()
    family = relatives([m[0].numpy() for m in points.ticket(9).masks], 1, unit)
    for n, letter in ((0, "x"), (-1, "y")):
        for position in np.flatnonzero(family[n]):
            assert f"{letter}{position + 1}" in said
    assert "computes max(0, " in said or "a sum of" in said
    found = tab.evaluate("""() => { const [run, row] = lthViewer.shown('left');
      const key = [...run.memory.keys()].find(k => k.startsWith('family of ' + (4 + chosenUnit)));
      return [...run.memory.get(key)]; }""")
    assert found == np.concatenate(family).astype(int).tolist()
    assert ink(tab) != plain
    tab.keyboard.press("Escape")
    assert tab.evaluate("lthViewer.state.neuron") is None


def test_a_neuron_is_found_by_name_and_by_keys(tab):
    finder = tab.get_by_label("Neuron")
    for name, neuron in (("h2.3", [2, 2]), ("x4", [0, 3]), ("y1", [3, 0])):
        finder.fill(name)
        finder.press("Enter")
        tab.wait_for_function(f"() => String(lthViewer.state.neuron) === '{neuron[0]},{neuron[1]}'")
    finder.fill("h9.1")
    finder.press("Enter")
    tab.get_by_text("No unit h9.1; there are x1 to x4, h1.1 to h2.57, y1 to y2.").wait_for()
    focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("() => String(lthViewer.state.neuron) === '0,0'")
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("() => String(lthViewer.state.neuron) === '0,1'")


def test_it_zooms_and_pans_and_comes_back(tab):
    focus(tab)
    plain = ink(tab)
    tab.keyboard.press("+")
    near = ink(tab)
    tab.keyboard.press("Shift+ArrowRight")
    moved = ink(tab)
    box = tab.locator("canvas").first.bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 200)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 340, box["y"] + 230, steps=4)
    tab.mouse.up()
    dragged = ink(tab)
    tab.keyboard.press("0")
    assert len({plain, near, moved, dragged}) == 4 and ink(tab) == plain
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -200)
    tab.keyboard.up("Control")
    tab.wait_for_function("() => lthViewer.stage.zoom.scale > 1")
    tab.keyboard.press("0")


def test_the_regions_are_the_models(tab, points):
    for row in (0, 5, 9):
        show(tab, level=row)
        ticket = points.ticket(row)
        for k, task in enumerate(points.tasks):
            side, given = tab.evaluate(f"""() => {{ const [run] = lthViewer.shown('left');
              const name = 'region of ' + run.tasks[{k}].name + ' 36 {row}';
              return [36, [...run.memory.get(name)]]; }}""")
            x = points.dataset.x_test[:250][:, list(task.inputs)].astype(np.float16)
            low, high = x.min(0) - 0.3, x.max(0) + 0.3
            inputs = np.zeros((side, side, 4), np.float32)
            inputs[..., task.inputs[0]] = np.linspace(low[0], high[0], side)
            inputs[..., task.inputs[1]] = np.linspace(high[1], low[1], side)[:, None]
            logits = unit_values(ticket, inputs.reshape(-1, 4))[-1][:, task.outputs[0]]
            chances = torch.from_numpy(logits).sigmoid().numpy()
            assert np.abs(chances - given).max() < 0.05


def test_the_curves_show_scores_or_structure(tab, points):
    show(tab, level=9)
    scores = ink(tab)
    tab.get_by_label("Curves").select_option("structure")
    assert ink(tab) != scores
    tab.wait_for_function("() => location.hash.includes('curves=structure')")
    assert ">λ₂</text>" in tab.evaluate("lthViewer.svg()")
    assert 'curves="structure"' in tab.evaluate("lthViewer.code()")
    tab.evaluate("lthViewer.set({ curves: 'nothing' })")
    tab.wait_for_function("() => lthViewer.state.curves === 'scores'")
    assert ink(tab) == scores


def test_a_click_on_a_curve_goes_to_its_level(tab):
    place = """() => { const c = lthViewer.stage.met[0].curves[0];
      return [c.x + 6.5 * c.step, c.y + c.height / 2]; }"""
    tab.mouse.click(*middle_of(tab, place))
    at(tab, 6)


def test_two_runs_stand_side_by_side_with_linked_sliders(tab, points, runs):
    tab.get_by_label("compare").check()
    tab.wait_for_function("() => lthViewer.stage.met.length === 2")
    show(tab, level=3, compare_level=5)
    focus(tab)
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(
        "() => lthViewer.state.level === 4 && lthViewer.state.compare_level === 6"
    )
    difference = points.rows["active"][6] - points.rows["active"][4]
    assert (
        f"Right minus left: −{points.rows['available'][4] - points.rows['available'][6]}"
        in words(tab)
    )
    assert f"−{-difference} active" in words(tab)
    tab.get_by_label("linked").uncheck()
    tab.get_by_label("Pruning level, right").focus()
    tab.keyboard.press("End")
    tab.wait_for_function(
        "() => lthViewer.state.compare_level === 9 && lthViewer.state.level === 4"
    )
    before = ink(tab)
    tab.get_by_label("Colours").select_option("difference")
    assert ink(tab) != before
    other = next(key for key, run in runs.items() if run.shape == (4, 8, 8, 2))
    tab.get_by_label("Run, right").select_option(other)
    tab.wait_for_function("key => lthViewer.shown('right')[0].key === key", arg=other)
    tab.get_by_label("linked").check()
    tab.screenshot(path=ARTEFACTS / "viewer-compare.png")
    tab.get_by_label("compare").uncheck()


# sending it


def test_an_address_shows_its_view_and_follows_it(browser, made, points):
    address = f"#run={quote(points.key)}&level=7&neuron=1.3&colours=task"
    tab = opened(browser, made, address)
    state = tab.evaluate("lthViewer.state")
    assert (state["run"], state["level"], state["neuron"]) == (points.key, 7, [1, 3])
    focus(tab)
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function("() => location.hash.includes('level=8')")
    sent = opened(browser, made, tab.evaluate("location.hash"))
    assert sent.evaluate("lthViewer.state") == tab.evaluate("lthViewer.state")
    sent.evaluate("location.hash = location.hash.replace('level=8', 'level=2')")
    at(sent, 2)
    wrong = opened(browser, made, "#run=nothing&level=x&neuron=9.9")
    assert words(wrong).startswith("Level")
    for one in (tab, sent, wrong):
        assert one.problems == []
        one.close()


def test_pictures_are_copied(browser, made):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(made[0].as_uri())
    tab.wait_for_function(DRAWN)
    tab.get_by_role("button", name="copy PNG").click()
    tab.get_by_text("Copied the picture as PNG.").wait_for()
    kinds = tab.evaluate("navigator.clipboard.read().then(items => items.map(i => i.types))")
    assert kinds == [["image/png"]]
    tab.get_by_role("button", name="copy SVG").click()
    tab.get_by_text("Copied the picture as SVG.").wait_for()
    drawing = ET.fromstring(tab.evaluate("navigator.clipboard.readText()"))
    assert drawing.tag.endswith("svg") and len(drawing.findall(".//{*}path")) > 5
    assert drawing.find("{*}title").text.startswith("Level")
    tab.get_by_role("button", name="copy link").click()
    tab.get_by_text("Copied the address of this view.").wait_for()
    assert "#run=" in tab.evaluate("navigator.clipboard.readText()")
    tab.get_by_role("button", name="copy code").click()
    tab.get_by_text("Copied Python code that shows this view.").wait_for()
    assert "lth.explore(lth.Store(), " in tab.evaluate("navigator.clipboard.readText()")
    context.close()


def test_a_saved_svg_shows_what_the_canvas_shows(tab, browser, tmp_path):
    with tab.expect_download() as coming:
        tab.get_by_role("button", name="save SVG").click()
    path = tmp_path / "view.svg"
    coming.value.save_as(path)
    beside = browser.new_page(viewport={"width": 1400, "height": 500})
    beside.goto(path.as_uri())
    beside.screenshot(path=ARTEFACTS / "viewer.svg.png")
    assert beside.evaluate("document.documentElement.tagName") == "svg"
    beside.close()


def test_the_ticket_is_saved_and_read_back(tab, points, tmp_path):
    show(tab, level=8)
    with tab.expect_download() as coming:
        tab.get_by_role("button", name="save ticket").click()
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)
    assert path.name == f"{points.key}-level8.npz"
    found, wanted = ticket_files.load(path), points.ticket(8)
    assert (found.seed, found.level, found.tasks) == (wanted.seed, wanted.level, wanted.tasks)
    assert all((a == b).all() for a, b in zip(found.masks, wanted.masks, strict=True))
    np.testing.assert_allclose(found.trained, wanted.trained, rtol=1e-3, atol=1e-6)


# images, and large networks


def test_images_show_their_pixels_and_what_is_left_out(tab, images):
    show(tab, run=images.key, level=0)
    said = tab.evaluate("() => lthViewer.svg()")
    total = images.rows["available"][0]
    assert f"4000 of {total} weights drawn, those that last longest first" in said
    assert tab.get_by_role("button", name="save ticket").is_disabled()
    last = len(images.rows) - 1
    show(tab, level=last, colours="subnetwork")
    said = tab.evaluate("() => lthViewer.svg()")
    for task in images.tasks:
        mask = images.ticket(last).masks[0][0].numpy()
        assert re.search(rf"\d+ of {len(task.inputs)} pixels", said)
    assert mask.any()
    assert_bars(said, images, last)
    tab.screenshot(path=ARTEFACTS / "viewer-images.png")


def assert_bars(drawn, images, row):
    """A bar for each class of each task, and the lowest one by its number."""
    for scores in class_scores(images.ticket(row), images.dataset) or []:
        least = int(np.argmin(scores))
        assert f"accuracy by class, least {least}: {min(scores):.1%}" in drawn
        assert all(f'height="{round(26 * score, 2):g}"' in drawn for score in scores)


def test_a_level_is_painted_at_once(tab, points, images):
    """Lower quartiles: other work on this machine must not fail the test; medians are printed."""
    for run, densest, limit in ((points, False, 16), (points, True, 50), (images, True, 100)):
        show(tab, run=run.key)
        tab.wait_for_timeout(1500)  # regions are computed while nothing else is done
        quartile, median = tab.evaluate(LATENCY, [54, densest])
        print(run.shape, f"median {median:.1f} ms, {crowd():.1f} processes a core")
        assert quartile <= limit * crowd(), (run.shape, quartile, median)


# for everybody


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser, made, theme):
    axe = pytest.importorskip("axe_playwright_python.base")
    tab = opened(browser, made, color_scheme=theme)
    tab.get_by_label("compare").check()
    tab.evaluate(axe.AXE_FILE_PATH.read_text())
    assert tab.evaluate(AXE) == []
    tab.close()


def test_nothing_moves_by_itself_and_every_control_has_a_name(tab):
    names = tab.locator("button, select, input, canvas").evaluate_all(
        "all => all.filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim()))"
        ".map(e => e.outerHTML)"
    )
    assert names == []
    assert tab.get_by_role("status").first.get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height", "ratio"), SCREENS)
def test_it_fits_every_screen(browser, made, theme, width, height, ratio):
    """683 by 384 is a laptop's screen at 200 %."""
    size = {"viewport": {"width": width, "height": height}, "device_scale_factor": ratio}
    tab = opened(browser, made, color_scheme=theme, **size)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    slider, canvas = (tab.locator(s).first.bounding_box() for s in (".lth-steps input", "canvas"))
    if width >= 1024:
        assert slider["y"] >= 0 and canvas["y"] + canvas["height"] <= height
    tab.screenshot(path=ARTEFACTS / f"viewer-{width}-{theme}.png", full_page=width < 1024)
    assert tab.problems == []
    tab.close()

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

import pytest
from conftest import ARTEFACTS, ROOT
from viewer_cases import AXE, SCREENS

from lth_utils import config
from lth_utils.runs import store, ticket_files
from lth_utils.viewer import open_run
from lth_utils.viewer.words import level_in_words

QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
PATIENCE = 60_000
"""Milliseconds to wait for anything: a machine may be slow."""
LAB_ROOT = []
"""Where the server finds the notebook."""
VIEW = ".lth-explorer .lth-viewer"
WORDS = f"{VIEW} .lth-words"
CELLS = """() => [...jupyterapp.shell.widgets('main')][0].content.model.cells"""
TYPES = (
    """() => [...[...jupyterapp.shell.widgets('main')][0].content.model.cells].map(c => c.type)"""
)
RUN = """code => { const kernel =
    [...jupyterapp.shell.widgets('main')][0].sessionContext.session.kernel;
  let said = '';
  const asked = kernel.requestExecute({code});
  asked.onIOPub = message => { said += message.content.text ?? message.content.evalue ?? ''; };
  return asked.done.then(() => said); }"""


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
    LAB_ROOT[:] = [folder / "root"]
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
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(PATIENCE)
    page.problems, page.asked = [], []
    page.on(
        "console",
        lambda message: page.problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: page.problems.append(error.stack or str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
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
    page.locator(f"{VIEW} canvas").wait_for()
    page.locator(f"{VIEW} input[type=range]").first.scroll_into_view_if_needed()
    yield page
    page.screenshot(path=ARTEFACTS / "explorer.png")
    page.close()


@pytest.fixture
def run(results, page):
    """The run that the notebook shows first, shown again at its first level."""
    facts = json.loads((results / "smoke" / "facts" / "05_ticket_explorer.json").read_text())
    opened = open_run(store.Store(results), facts["view"]["run"])
    kernel(page, f"view.view.show({opened.key!r}, 0)")
    says(page, level_in_words(opened, 0))
    return opened


def kernel(page, code):
    """Run code in the notebook's kernel; what it printed."""
    return page.evaluate(RUN, code).strip()


def says(page, words):
    """Wait until the view says this."""
    script = "([where, words]) => document.querySelector(where).textContent.startsWith(words)"
    page.wait_for_function(script, arg=[WORDS, words])


def is_in_kernel(page, name, value):
    """Wait until a trait of the explorer has a value."""
    end = time.monotonic() + PATIENCE / 1000
    while (said := kernel(page, f"print(view.{name})")) != str(value):
        assert time.monotonic() < end, said
        time.sleep(0.1)


def test_keys_move_the_level_and_the_words_agree_with_the_store(page, run):
    page.locator(f"{VIEW} canvas").first.focus()
    for level in range(1, len(run.rows)):
        page.keyboard.press("ArrowRight")
        says(page, level_in_words(run, level))
    is_in_kernel(page, "level", len(run.rows) - 1)
    page.keyboard.press("Home")
    is_in_kernel(page, "level", 0)


def test_python_drives_the_view_and_hears_of_it(page, run):
    kernel(page, "view.level = 1")
    says(page, level_in_words(run, 1))
    kernel(page, "view.neuron = [1, 2]")
    page.get_by_text(re.compile("^neuron 3 of hidden layer 1 ")).first.wait_for()
    page.locator(VIEW).get_by_label("Colours").select_option("task")
    is_in_kernel(page, "colours", "task")
    assert "did you mean task" in kernel(page, "view.colours = 'taks'")
    kernel(page, "view.colours, view.neuron = 'state', None")


def test_own_widgets_are_linked_and_interact_works(page, run):
    code = """import ipywidgets
slider = ipywidgets.IntSlider(max=2)
ipywidgets.link((slider, 'value'), (view, 'level'))
slider.value = 2"""
    kernel(page, code)
    says(page, level_in_words(run, 2))
    kernel(page, "ipywidgets.interact(lambda level: setattr(view, 'level', level), level=(0, 2));")
    kernel(page, "view.level = 1")
    is_in_kernel(page, "level", 1)
    assert kernel(page, "print(slider.value)") == "1"


@pytest.mark.parametrize("keys", ["x", "dd", "m", "a", "b", "y", "Enter"])
def test_no_key_removes_or_changes_a_cell(page, run, keys):
    before = page.evaluate(TYPES)
    controls = page.locator(
        ".lth-explorer input, .lth-explorer select, .lth-explorer button, .lth-explorer canvas"
    )
    seen = 0
    for control in controls.all():
        if not control.is_visible() or control.is_disabled():
            continue
        typing = control.evaluate("e => e.matches('input[type=text], input[type=search]')")
        if keys == "Enter" and control.evaluate("e => e.tagName === 'BUTTON'"):
            continue
        control.focus()
        for key in [keys] if keys == "Enter" else keys:
            page.keyboard.press(key)
        assert page.evaluate(TYPES) == before, (keys, control.evaluate("e => e.outerHTML"))
        if typing:
            control.fill("")
        seen += 1
    assert seen >= (8 if keys == "Enter" else 12)  # Enter presses buttons, and may
    page.evaluate("document.activeElement.blur()")


def test_all_runs_are_in_one_list_that_can_be_searched(page, results, run):
    entries = store.Store(results).entries()
    kept = page.get_by_label(re.compile(r"^Run \(")).first
    assert set(kept.locator("option").all_inner_texts()).__len__() == len(entries)
    other = next(key for key in entries if key != run.key)
    search = page.get_by_label("Search runs")
    search.fill(other.rpartition("--")[2])
    page.get_by_label(re.compile(r"^Run \(1 found\)")).wait_for()
    kept = page.get_by_label(re.compile(r"^Run \(")).first
    words = kernel(page, f"print(view.catalogue.words[{other!r}])")
    kept.select_option(words)
    is_in_kernel(page, "run", other)
    says(page, level_in_words(open_run(store.Store(results), other), 0))
    search.fill("")
    page.get_by_label(re.compile(rf"^Run \({len(entries)} found\)")).wait_for()


def test_a_second_run_stands_beside_the_first(page, results, run):
    other = next(key for key in store.Store(results).entries() if key != run.key)
    kernel(page, f"view.beside.value = {other!r}")
    page.wait_for_function(f"() => document.querySelector('{VIEW} canvas.lth-two')")
    assert "Right minus left:" in page.locator(WORDS).first.inner_text()
    page.locator(VIEW).get_by_label("compare").uncheck()
    is_in_kernel(page, "compare", False)


def test_the_ticket_is_exported_and_read_back(page, results, run):
    kernel(page, "view.level = 1")
    says(page, level_in_words(run, 1))
    page.get_by_role("button", name="Export the ticket").press("Enter")
    path = results / "exports" / f"{run.key}-level1.npz"
    page.get_by_text(str(path)).wait_for()
    found, wanted = ticket_files.load(path), run.ticket(1)
    assert all((a == b).all() for a, b in zip(found.masks, wanted.masks, strict=True))
    assert (found.trained == wanted.trained).all()


def test_the_code_of_a_view_shows_it_again(page, results, run):
    kernel(page, "view.level, view.colours, view.neuron = 1, 'task', [1, 0]")
    says(page, level_in_words(run, 1))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(VIEW).get_by_role("button", name="copy code").click()
    page.get_by_text("Copied Python code that shows this view.").wait_for()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code.startswith("import lth_utils as lth\n\nlth.explore(lth.Store(), ")
    again = {}
    os.environ["LTH_OUTPUTS"], before = str(results), os.environ.get("LTH_OUTPUTS")
    try:
        exec(code.replace("lth.explore", "again['view'] = lth.explore"), {"again": again})
    finally:
        os.environ.pop("LTH_OUTPUTS") if before is None else os.environ.update(LTH_OUTPUTS=before)
    shown = again["view"].view.state()
    assert (shown["run"], shown["level"], shown["colours"]) == (run.key, 1, "task")
    assert shown["neuron"] == [1, 0]
    kernel(page, "view.colours, view.neuron = 'state', None")


@pytest.mark.parametrize(("width", "height"), [(w, h) for w, h, _ in SCREENS])
@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_widget_fits_every_screen_in_both_themes(page, run, theme, width, height):
    """Slider and picture together where the screen is high enough; 683 by 384 is 200 %."""
    page.set_viewport_size({"width": width, "height": height})
    themed(page, theme)
    end = time.monotonic() + PATIENCE / 1000
    while not fits(page, width) and time.monotonic() < end:  # JupyterLab moves cells meanwhile
        page.locator(f"{VIEW} .lth-levels").first.evaluate("e => e.scrollIntoView()")
        page.wait_for_timeout(300)
    assert fits(page, width)
    page.screenshot(path=ARTEFACTS / f"explorer-{width}-{theme.lower()}.png")
    themed(page, "Light")
    page.set_viewport_size({"width": 1366, "height": 768})


def fits(page, width):
    """Whether nothing is wider than the view, and on a wide screen slider and picture are seen."""
    if not page.locator(VIEW).first.evaluate("e => e.scrollWidth <= e.clientWidth"):
        return False
    if width < 1366:
        return True
    slider = page.locator(f"{VIEW} input[type=range]").first.bounding_box()
    canvas = page.locator(f"{VIEW} canvas").first.bounding_box()
    room = page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.bounding_box()
    end = canvas["y"] + canvas["height"]
    return slider["y"] >= room["y"] - 2 and end <= room["y"] + room["height"] + 2


def themed(page, theme):
    """Choose JupyterLab's theme, and wait until the widget follows."""
    choose = "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    page.evaluate(choose, f"JupyterLab {theme}")
    look = f"getComputedStyle(document.querySelector('{VIEW}')).getPropertyValue('--lth-dark')"
    page.wait_for_function(f"() => {look}.trim() === '{int(theme == 'Dark')}'")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_serious_fault_in_the_widget(page, run, theme):
    axe = pytest.importorskip("axe_playwright_python.base")
    themed(page, theme)
    page.locator(VIEW).get_by_label("compare").check()
    page.wait_for_timeout(300)
    page.evaluate(axe.AXE_FILE_PATH.read_text())
    assert page.evaluate(AXE, ".lth-explorer") == []
    page.locator(VIEW).get_by_label("compare").uncheck()
    is_in_kernel(page, "compare", False)
    themed(page, "Light")


def test_the_saved_notebook_shows_the_last_view(page, lab, browser, results, run, tmp_path):
    """Alive where scripts are allowed, else as picture; in a page, and in JupyterLab."""
    kernel(page, "view.level = 1")
    says(page, level_in_words(run, 1))
    words = level_in_words(run, 1)
    saved = LAB_ROOT[0] / "explorer.ipynb"
    end = time.monotonic() + PATIENCE / 1000
    while True:
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save').then(() => 1)")
        notebook = json.loads(saved.read_text())
        said = [o.get("data", {}).get("text/plain", "") for c in notebook["cells"]
                for o in c.get("outputs", [])]  # fmt: skip
        if any("".join(text).startswith(words) for text in said):
            break
        assert time.monotonic() < end, said
        time.sleep(0.3)
    from lth_utils.publish import gallery

    path = results / "saved.ipynb"
    path.write_text(json.dumps(notebook))
    shown = gallery.notebook_page(path)
    tab = browser.new_page()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(shown.as_uri())
    inside = tab.frame_locator("iframe[title='The last view']")
    inside.locator("canvas").wait_for()
    assert inside.locator(".lth-words").first.inner_text().startswith(words)
    inside.locator("canvas").press("ArrowRight")
    inside.get_by_text("Level 2:").first.wait_for()
    assert [u for u in asked if not u.startswith(("file:", "data:", "blob:", "about:"))] == []
    tab.close()
    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto(shown.as_uri())
    assert "Level 1" in still.locator("noscript img").first.get_attribute("alt")
    assert still.locator("noscript img").first.bounding_box()["width"] > 300


def test_nothing_went_wrong_on_the_way(page):
    """No error in the browser's console, none in any cell, and no request to another host."""
    # JupyterLab's own code fails to take away cells that its window has moved, ours is not in it
    jupyter = re.compile("removeChild.*/static/lab/jlab_core", re.DOTALL)
    problems = [p for p in page.problems if "favicon" not in p and not jupyter.search(p)]
    assert problems == []
    assert (
        page.locator(
            ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']"
        ).all_inner_texts()
        == []
    )
    assert not re.search("Traceback|Error:", page.locator(".jp-Notebook").inner_text())
    hosts = {url.split("/")[2].split(":")[0] for url in page.asked if url.startswith("http")}
    assert hosts <= {"127.0.0.1"}


def test_without_its_kernel_the_view_lives_on_in_jupyterlab(page, lab):
    """Runs last: the kernel is shut down and the notebook opened again."""
    page.evaluate("""() => [...jupyterapp.shell.widgets('main')][0].sessionContext.shutdown()
        .then(() => jupyterapp.commands.execute('docmanager:save')).then(() => 1)""")
    page.goto(lab, wait_until="domcontentloaded")
    inside = page.frame_locator("iframe[title='The last view']")
    inside.locator("canvas").wait_for()
    page.locator("iframe[title='The last view']").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.screenshot(path=ARTEFACTS / "explorer-no-kernel.png")
    assert inside.locator(".lth-words").first.inner_text().startswith("Level")

"""What several test modules share: small data sets, the executed notebooks, a browser."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from lth_utils.data import Dataset, Task, moons_circles, standardise

ROOT = Path(__file__).parents[1]
ARTEFACTS = ROOT / "tests" / "artefacts"
"""Where the browser's tests leave what they saw; not in the repository."""
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    """One process begins with the notebooks, which take longest; files that need them come last."""
    waiting = {item.path for item in items if "smoke" in item.fixturenames}
    items.sort(key=lambda item: (item.path.name != "test_notebooks.py", item.path in waiting))


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """Circles beside moons, 96 points per split, so that the last batch of 40 is smaller."""
    return moons_circles(n_samples=96)


@pytest.fixture(scope="session")
def pictures() -> Dataset:
    """Two tasks on two channels of 8 by 8, see ``convolution_cases``."""
    from convolution_cases import made_pictures

    return made_pictures()


@pytest.fixture(scope="session")
def mixed() -> Dataset:
    """A binary task beside one of three classes, whose outputs come first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((160, 5))
    sign = x[:, 0] * x[:, 1] > 0
    largest = np.argmax(x[:, 2:] + 0.3 * rng.standard_normal((160, 3)), 1)
    y = np.stack([sign, largest], 1).astype(np.int64)
    x_train, x_test = standardise(x[:80], x[80:])
    tasks = (Task("sign", range(0, 2), range(3, 4)), Task("largest", range(2, 5), range(0, 3)))
    return Dataset(x_train, y[:80], x_test, y[80:], tasks)


def lth(*arguments, outputs, cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-m", "lth_utils", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "LTH_OUTPUTS": str(outputs), **environment},
    )


def image_files(tmp_path_factory) -> Path:
    """The real image files where ``LTH_DATA_ROOT`` names them, else small ones of noise."""
    if "LTH_DATA_ROOT" in os.environ:
        return Path(os.environ["LTH_DATA_ROOT"])
    from test_images import FOLDERS, pictures

    root = tmp_path_factory.mktemp("images")
    for seed, folder in enumerate(FOLDERS):
        (root / folder / "raw").mkdir(parents=True)
        for name, content in pictures(seed, {"train": 600, "t10k": 300}).items():
            (root / folder / "raw" / name).write_bytes(content)
    return root


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A copy of what :func:`all_notebooks` wrote, in one of the processes, and what it printed."""
    here = tmp_path_factory.getbasetemp()
    shared = here.parent if "PYTEST_XDIST_WORKER" in os.environ else here
    outputs, printed = shared / "smoke", shared / "smoke.txt"
    with FileLock(shared / "smoke.lock"):
        if not printed.exists():
            printed.write_text(all_notebooks(outputs, tmp_path_factory))
    return shutil.copytree(outputs, here / "smoke-copy"), printed.read_text()


def all_notebooks(outputs, tmp_path_factory) -> str:
    """All notebooks executed with the smallest set, from another folder, beside a broken kernel."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    trap = elsewhere / "data" / "kernels" / "python3"
    trap.mkdir(parents=True)
    spec = {
        "argv": ["/bin/false", "{connection_file}"],
        "display_name": "trap",
        "language": "python",
    }
    (trap / "kernel.json").write_text(json.dumps(spec))
    done = lth(
        "run",
        "all",
        "--set",
        "smoke",
        outputs=outputs,
        cwd=elsewhere,
        JUPYTER_DATA_DIR=str(elsewhere / "data"),
        JUPYTER_PATH=str(elsewhere / "data"),
        LTH_DATA_ROOT=str(image_files(tmp_path_factory)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def browser():
    """The machine's Chromium, else playwright's own.

    Where there is none the tests are skipped; with LTH_BROWSER=required they fail.
    """
    without = pytest.fail if os.environ.get("LTH_BROWSER") == "required" else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        without("playwright is not installed")
    with sync_playwright() as driver:
        if not Path(BROWSER or driver.chromium.executable_path).exists():
            without("no chromium, chromium-browser or google-chrome here, and none of playwright's")
        launched = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield launched
        launched.close()

"""The built wheel works in an environment and a folder that know nothing of this repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT

SOURCES = ("lth_utils", "notebooks", "parameters")
FILES = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
IGNORED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")

SWEEP = """
import lth_utils as lth

train = lth.TrainSpec(max_epochs=2)
data, prune = lth.data.spec("moons_circles"), lth.PruneSpec(0.5, 2)
spec = lth.RunSpec(data, base=(4, 4, 2), train=train, prune=prune)
specs = lth.expand(spec, {"seed": [0, 1]})
print(len(lth.sweep(specs, lth.Store()).done), len(lth.Store().table()["run"].unique()))
"""


class Installed:
    """An environment with the wheel, which shares all other packages with the tests' own."""

    def __init__(self, folder: Path, wheel: Path, sources: Path):
        self.sources = sources
        venv.create(folder, with_pip=False)
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python")]
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
        subprocess.run([*pip, "install", *options, str(wheel)], check=True)
        (site,) = folder.glob("[Ll]ib/**/site-packages")
        # what is on this path is found, but the .pth files on it are not read: no editable install
        (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.site = site

    def run(self, command, *arguments, cwd, fails=False):
        """Run a program of the environment; what it printed."""
        unset = ("PYTHONPATH", "LTH_OUTPUTS")
        environment = {k: v for k, v in os.environ.items() if k not in unset}
        # Jupyter's own files lie beside the packages that are shared
        environment["JUPYTER_PATH"] = str(Path(sysconfig.get_path("data"), "share", "jupyter"))
        command = [str(self.bin / command), *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    sources = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(ROOT / name, sources / name, ignore=IGNORED)
    for name in FILES:
        shutil.copyfile(ROOT / name, sources / name)
    wheels = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(wheels)]
    subprocess.run([*pip, *options, str(sources)], check=True)
    (wheel,) = wheels.glob("lth_utils-*.whl")
    return Installed(tmp_path_factory.mktemp("environment"), wheel, sources)


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "mine"
    installed.run("lth_utils", "init", folder, cwd=folder.parent)
    return folder


def test_the_package_is_the_wheels_and_complete(installed, tmp_path):
    code = "import lth_utils; print(lth_utils.__file__, lth_utils.__version__)"
    printed = installed.run("python", "-c", code, cwd=tmp_path)
    assert printed.startswith(str(installed.site / "lth_utils"))
    there = {p.relative_to(installed.site) for p in (installed.site / "lth_utils").rglob("*")}
    for path in (installed.sources / "lth_utils").rglob("*"):
        if path.suffix in (".py", ".csv", ".css", ".html", ".js", ".md", ".typed"):
            assert path.relative_to(installed.sources) in there


def test_init_lays_out_notebooks_and_parameters(project):
    for pattern in ("notebooks/*.ipynb", "parameters/*/*.yaml"):
        for path in ROOT.glob(pattern):
            assert (project / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_a_notebook_runs_in_the_new_project(installed, project):
    printed = installed.run("lth_utils", "run", "01", "--set", "smoke", cwd=project)
    assert str(project / "outputs" / "smoke") in printed
    assert (project / "outputs" / "smoke" / "figures" / "imp-levels.png").is_file()


def test_a_sweep_in_an_empty_folder_writes_to_its_outputs(installed, tmp_path):
    assert installed.run("python", "-c", SWEEP, cwd=tmp_path).split() == ["2", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs"]
    assert len(list(tmp_path.glob("outputs/runs/*/done.json"))) == 2


def test_without_a_project_the_command_line_says_how_to_make_one(installed, tmp_path):
    printed = installed.run("lth_utils", "run", "01", cwd=tmp_path, fails=True)
    assert "python -m lth_utils init FOLDER" in printed and "Traceback" not in printed

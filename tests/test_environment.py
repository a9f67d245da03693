"""All files that name packages agree with each other and with what the package imports."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def ranges(lines):
    return {r.name.lower(): r.specifier for r in map(Requirement, lines)}


def conda():
    lines = [
        d
        for d in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
        if isinstance(d, str)
    ]
    return {CONDA_NAMES.get(name, name): found for name, found in ranges(lines).items()}


def pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return ranges(line for line in lines if line and not line.startswith("#"))


def test_conda_and_pip_ask_for_the_same_ranges():
    asked = conda()
    assert str(asked.pop("python")) == PROJECT["requires-python"] and "pip" in asked
    del asked["pip"]
    assert asked == ranges(PROJECT["dependencies"])


def test_every_direct_dependency_is_pinned_exactly_within_its_range():
    wanted = ranges(PROJECT["dependencies"]) | ranges(PROJECT["optional-dependencies"]["test"])
    pinned = pins()
    assert set(pinned) == set(wanted)
    for name, pin in pinned.items():
        (exact,) = pin
        assert exact.operator == "==" and wanted[name].contains(exact.version), name


def test_the_installed_packages_are_the_pinned_ones():
    if not (ROOT / ".venv" / ".ready").exists():
        pytest.skip("not the environment that make created")
    for name, pin in pins().items():
        assert pin.contains(version(name).split("+")[0]), name


def test_environment_file_uses_conda_forge_alone():
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == [
        "conda-forge",
        "nodefaults",
    ]


def test_what_is_imported_is_declared_and_the_other_way_round():
    done = subprocess.run([BIN / "deptry", "lth_utils"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sources_are_linted_and_notebooks_stripped():
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for check in (
        [BIN / "ruff", "check", ROOT],
        [BIN / "ruff", "format", "--check", ROOT],
        [BIN / "nbstripout", "--verify", *notebooks],
    ):
        done = subprocess.run(check, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_is_the_same_everywhere():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()

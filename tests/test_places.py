"""Where the project and its results are, with and without a checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

from lth_utils.runs import places

ROOT = Path(__file__).parents[1]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As if the package were installed from a wheel: no checkout lies beside it."""
    site = tmp_path / "site-packages" / "lth_utils" / "runs" / "places.py"
    monkeypatch.setattr(places, "__file__", str(site))
    monkeypatch.delenv("LTH_OUTPUTS", raising=False)
    return tmp_path


def test_the_project_is_found_from_any_folder_inside_it():
    assert places.project_root(ROOT / "notebooks") == ROOT


def test_a_folder_with_notebooks_and_parameters_is_a_project(installed, monkeypatch):
    (installed / "mine" / "notebooks").mkdir(parents=True)
    (installed / "mine" / "parameters" / "smoke").mkdir(parents=True)
    monkeypatch.chdir(installed / "mine" / "parameters" / "smoke")
    assert places.project_root() == installed / "mine"
    assert places.outputs() == installed / "mine" / "outputs"


def test_without_a_project_the_error_says_how_to_make_one(installed):
    with pytest.raises(places.StoreError, match=r"no project folder .* python -m lth_utils init"):
        places.project_root(installed)


def test_without_a_project_results_go_to_the_current_folder(installed, monkeypatch):
    monkeypatch.chdir(installed)
    assert places.outputs() == installed / "outputs"


def test_outside_every_project_the_checkout_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("LTH_OUTPUTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert places.project_root() == ROOT and places.outputs() == ROOT / "outputs"


def test_a_relative_outputs_folder_stays_where_it_was_first_read(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LTH_OUTPUTS", "results")
    assert places.outputs() == tmp_path / "results"
    child = subprocess.run(
        [sys.executable, "-c", "from lth_utils.runs import places; print(places.outputs())"],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == str(tmp_path / "results")


def test_a_tilde_means_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LTH_OUTPUTS", "~/results")
    assert places.outputs() == tmp_path / "results"

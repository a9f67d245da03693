"""``init`` lays out a project, and never overwrites what somebody has changed."""

import pytest
from conftest import ROOT

from lth_utils import __main__
from lth_utils.config import SpecError
from lth_utils.publish import project


def laid_out(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_checkout_lays_out_its_own_notebooks_and_parameters(tmp_path, capsys):
    assert __main__.main(["init", str(tmp_path / "mine")]) == 0
    assert f"cd {tmp_path / 'mine'}" in capsys.readouterr().out
    wanted = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("parameters/*/*.yaml")]
    assert laid_out(tmp_path / "mine") == sorted(p.relative_to(ROOT).as_posix() for p in wanted)


def test_a_second_call_writes_only_what_is_missing(tmp_path):
    written = project.init(tmp_path)
    assert project.init(tmp_path) == []
    written[0].unlink()
    assert project.init(tmp_path) == written[:1]


def test_files_that_differ_are_named_and_nothing_is_written(tmp_path):
    changed = tmp_path / "parameters" / "quick" / "01_toy_data.yaml"
    changed.parent.mkdir(parents=True)
    changed.write_text("levels: 3\n")
    with pytest.raises(SpecError, match=r"parameters/quick/01_toy_data.yaml; nothing was written"):
        project.init(tmp_path)
    assert laid_out(tmp_path) == ["parameters/quick/01_toy_data.yaml"]
    assert changed.read_text() == "levels: 3\n"

"""Parameters of notebooks are checked at any depth before a kernel starts."""

import dataclasses
import json

import pytest
from conftest import ROOT

from lth_utils import __main__, config
from lth_utils.config import SpecError
from lth_utils.publish import parameters, runner

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETS = sorted((ROOT / "parameters").iterdir())

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
each_set = pytest.mark.parametrize("folder", SETS, ids=lambda p: p.name)


def notebook_with(folder, source):
    """A notebook of one cell, which is tagged as its parameters."""
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    path = folder / "08_mine.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    return path


@each_notebook
@each_set
def test_every_parameter_file_fits_its_notebook(notebook, folder):
    file = folder / f"{notebook.stem}.yaml"
    found = parameters.parameters(notebook, config.read(file), str(file))
    assert set(found) == set(config.read(file))


@each_notebook
@each_set
def test_every_parameter_file_fits_its_study(notebook, folder):
    values = parameters.values_of(notebook, folder.name, {})
    parameters.check_study(notebook, values, folder.name)


@each_notebook
def test_notebook_and_study_declare_the_same_parameters(notebook):
    declared = parameters.parameters_of(notebook)
    study = parameters.study_of(notebook).Parameters
    fields = [field.name for field in dataclasses.fields(study)]
    assert sorted(fields) == sorted(name for name in declared if name not in parameters.OF_ALL)
    parameters.check_study(notebook, {}, "defaults")


@pytest.mark.parametrize(
    ("number", "name", "value", "message"),
    [
        ("02", "both", "{hidden: [9], levels: 2, target: 9, seeds: 0, bacth: 64}", "both.bacth"),
        ("02", "alone", "{hiden: [9], levels: 2, target: 9, seeds: 0, batch: 64}", "alone.hiden"),
        ("02", "wide", "{hidden: [9], level: 2, target: 9, seeds: 0, batch: 64}", "wide.level"),
        ("02", "variants", "{by layer: {prune.scop: layer}}", "prune.scop"),
        ("03", "one_layer", "[{level: 0-3, seeds: 1-5}]", r"one_layer\[0\].level"),
        ("03", "layerwise", "{levels: 1-2, seed: 0}", "layerwise.seed"),
        ("03", "variants", "{level: 9, seeds: 0, dat: [1], patience: [10]}", "variants.dat"),
        ("04", "grid", "{width: [31], levels: 1-2, seeds: 0}", "grid.width"),
        ("04", "many", "[{width: 127, levels: 0-3, seedz: 0}]", r"many\[0\].seedz"),
        ("06", "mnist", "{base: [784, 9, 10], data: {}, epochs: 1, seeds: 0, bacth: 64}", "bacth"),
        ("06", "variants", "{fresh: {value: fresh}}", "value"),
        ("07", "toy", "{base: [4, 8, 2], rat: 0.3}", "toy.rat"),
        ("07", "many", "{target: 0.1, round: [1], seeds: 0}", "many.round"),
    ],
)
def test_a_misspelt_key_inside_a_parameter_stops_before_a_kernel_starts(
    number, name, value, message, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    (notebook,) = parameters.find(number)
    given = {name: config.parse_yaml(value, "test")}
    expected = rf"^parameters/quick/{notebook.stem}.yaml and -p: .*{message} is not a field;.*"
    with pytest.raises(SpecError, match=expected + r"\(did you mean \w"):
        runner.run(number, "quick", given, say=print)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_key_inside_a_file_is_named_with_the_file():
    (notebook,) = parameters.find("06")
    network = {"base": [784, 9, 10], "data": {}, "epochs": 1, "seeds": "0", "bacth": 64}
    origin = "parameters/quick/06_weight_distributions.yaml"
    with pytest.raises(SpecError, match=rf"^{origin}: mnist.bacth is .*did you mean batch\?"):
        parameters.check_study(notebook, {"mnist": network}, origin)


def test_a_misspelt_key_in_a_file_is_named_with_its_file():
    with pytest.raises(
        SpecError, match=r"wrong.yaml: patienc is not a parameter .*did you mean patience"
    ):
        parameters.parameters(NOTEBOOKS[0], {"patienc": 3}, "wrong.yaml")


def test_numbers_that_yaml_reads_as_text_are_understood():
    given = {"lr": "1e-3", "base": "[4, 8, 2]", "seeds": "1, 2"}
    found = parameters.parameters(NOTEBOOKS[0], given, "test")
    assert found == {"lr": 0.001, "base": [4, 8, 2], "seeds": "1, 2"}


@pytest.mark.parametrize("number", ["010", "-07", "1:30", "12:30:45", "1:30.5"])
def test_numbers_that_yaml_misreads_are_refused(number, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(f"levels:\n  - 9\n  - {number}\n")
    with pytest.raises(SpecError, match=rf"p.yaml: {number} in line 3 is read as .* by YAML"):
        config.read(file)
    file.write_text(f'levels: "{number}"\nother: [0, 0.5, 0x10, 1_000]\n')
    assert config.read(file) == {"levels": number, "other": [0, 0.5, 16, 1000]}


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_bytes(b"levels: \xff\n")
    with pytest.raises(SpecError, match=r"p.yaml: cannot be read as UTF-8"):
        config.read(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "01", "-p", "seeds", "[0, 1"], "command line: seeds: not valid YAML"),
        (["run", "01", "-p", "levels", "010"], "command line: levels: 010 in line 1 is read as 8"),
        (["run", "01", "-p", "set_name", "x"], "set_name cannot be given here; choose the set wi"),
    ],
)
def test_bad_values_on_the_command_line_are_errors_of_one_sentence(arguments, message, capsys):
    assert __main__.main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "..", "/tmp", ""])
def test_the_name_of_a_set_is_no_path(name, capsys):
    with pytest.raises(SystemExit):
        __main__.main(["report", "--set", name])
    assert "is no name of a set" in capsys.readouterr().err


def test_parameters_of_ones_own_notebook_are_understood(tmp_path):
    source = (
        'path: str = "a=b"  # with a sign\n'
        "target: int | None = None\n"
        "sizes: list[int] = [1, 2]\n"
        "lr = 0.5\n"
        "free = None\n"
    )
    notebook = notebook_with(tmp_path, source)
    declared = parameters.parameters_of(notebook)
    assert [p.default for p in declared.values()] == ["a=b", None, [1, 2], 0.5, None]
    assert declared["path"].help == "with a sign" and declared["target"].kind_text == "int | None"
    given = {"path": "b", "target": "3", "sizes": [3], "lr": 1, "free": "x"}
    found = parameters.parameters(notebook, given, "test")
    assert found == {"path": "b", "target": 3, "sizes": [3], "lr": 1.0, "free": "x"}
    parameters.check_study(notebook, found, "test")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("lr = 2*0.1", r"08_mine.ipynb: lr is 2 \* 0.1; a parameter is a literal value"),
        ("lr: torch.Tensor = 1", "08_mine.ipynb: lr has the type torch.Tensor; allowed: int, fl"),
        ("lr: float = ", "its parameters cell is not valid Python"),
    ],
)
def test_parameters_that_cannot_be_checked_are_refused(source, message, tmp_path):
    with pytest.raises(SpecError, match=message):
        parameters.parameters_of(notebook_with(tmp_path, source))

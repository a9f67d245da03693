"""The typed parameters of the studies: those of their notebooks, and strict at every depth."""

import ast
import dataclasses
import importlib
import json

import pytest
from conftest import ROOT

from lth_utils import config
from lth_utils.config import SpecError, parse
from lth_utils.studies import (
    extension_sweep,
    mnist_fashion,
    one_shot_or_iterative,
    toy_data,
    weight_distributions,
)
from lth_utils.studies.parameters import Span

NOT_OF_THE_STUDY = ("set_name", "train", "device")
"""Parameters of every notebook that say where and how, not what."""

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETS = sorted(p.name for p in (ROOT / "parameters").iterdir())
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def of_the_study(values):
    return {name: value for name, value in values.items() if name not in NOT_OF_THE_STUDY}


def parameters_class(path):
    return importlib.import_module(f"lth_utils.studies.{path.stem[3:]}").Parameters


def declared(path):
    """The names and default values in a notebook's parameters cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    lines = ast.parse("".join(cell["source"])).body
    return of_the_study({line.target.id: ast.literal_eval(line.value) for line in lines})


@each_notebook
def test_parameters_are_those_of_the_notebook_with_the_same_defaults(path):
    parameters, values = parameters_class(path), declared(path)
    assert {field.name for field in dataclasses.fields(parameters)} == set(values)
    assert parse(parameters, values, path.name) == parameters()


@each_notebook
@pytest.mark.parametrize("set_name", SETS)
def test_every_parameter_file_asks_for_runs(path, set_name):
    file = ROOT / "parameters" / set_name / f"{path.stem}.yaml"
    asked = parse(parameters_class(path), of_the_study(config.read(file)), str(file))
    specs = asked.specs()
    assert specs and len({config.run_id(spec) for spec in specs}) == len(specs)


@pytest.mark.parametrize(
    ("study", "values", "message"),
    [
        (toy_data, {"rat": 0.3}, "f.rat is not a field.*did you mean rate"),
        (toy_data, {"seeds": "0-x"}, "Parameters.seeds: '0-x' is no span"),
        (
            extension_sweep,
            {"one_layer": [{"level": "0-1", "seeds": "0"}]},
            r"one_layer\[0\].level is not a field; Sizes has levels, seeds, draws .did you mean le",
        ),
        (mnist_fashion, {"both": {"hiden": [3]}}, "both.hiden is not a field.*did you mean hidden"),
        (
            mnist_fashion,
            {"variants": {"sum": {"train.los": "sum"}}},
            "Parameters.variants.sum: train.los is not a field.*did you mean loss",
        ),
        (mnist_fashion, {"variants": {"sum": 3}}, "Parameters.variants.sum is 3"),
        (
            weight_distributions,
            {"variants": {"new": {"value": "fresh"}}},
            "Parameters.variants.new.value is not a field.*did you mean values",
        ),
        (one_shot_or_iterative, {"scopes": ["globl"]}, "did you mean global"),
    ],
)
def test_a_mistake_at_any_depth_is_named(study, values, message):
    with pytest.raises(SpecError, match=message):
        parse(study.Parameters, values, "f")


def test_an_empty_network_is_left_out():
    asked = weight_distributions.Parameters(cifar10={})
    assert asked.cifar10 is None and list(asked.networks()) == ["mnist"]


def test_spans_read_what_people_write():
    assert Span("0-2, 7") == (0, 1, 2, 7) and Span(3) == (3,) and Span(Span("1-2")) == (1, 2)
    with pytest.raises(SpecError, match="no span of whole numbers"):
        Span("3-1")

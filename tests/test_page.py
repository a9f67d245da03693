"""The page of a notebook: its parameters, its tables with and without training, what it shows."""

import json

import pandas as pd
import pytest

from lth_utils import plots
from lth_utils.config import SpecError
from lth_utils.publish.page import MOST_ROWS, Page
from lth_utils.runs.files import StoreError
from lth_utils.studies import toy_data

VARIABLES = {
    "set_name": "smoke",
    "seeds": [0, 1],
    "base": [4, 4, 4, 2],
    "levels": 1,
    "rate": 0.32,
    "n_samples": 40,
    "noise": 0.1,
    "draws": "0",
    "draw": "own",
    "fresh": 100,
    "lr": 0.001,
    "batch_size": 32,
    "patience": 1,
    "max_epochs": 2,
    "device": "cpu",
}


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    return tmp_path


def page(**changes):
    return Page("01_toy_data", toy_data.Parameters, VARIABLES | changes)


def test_parameters_are_typed_and_mistakes_are_named(outputs):
    assert page().asked.base == (4, 4, 4, 2) and page().train
    with pytest.raises(SpecError, match=r"Parameters\.levels is 'many'"):
        page(levels="many")
    assert not list(outputs.iterdir())


def test_a_page_draws_from_its_tables_without_training(outputs, capsys):
    first = page()
    table = first.run(first.asked.specs())
    first.keep([table["run"].iloc[0]])
    assert "2 runs computed" in first.report and first.store is first.results
    assert json.loads((outputs / "smoke/tables/01_toy_data-levels.json").read_text())["runs"] == 2
    again = page(train=False)
    pd.testing.assert_frame_equal(
        again.run(again.asked.specs()), table, check_like=True, check_dtype=False
    )
    assert "from the tables kept" in again.report and again.store is again.kept
    assert again.stored(table["run"].iloc[0]) and again.stored("another run") is None
    other = page(train=False, seeds=[0, 1, 2])
    with pytest.raises(StoreError, match="does not hold the runs asked for"):
        other.run(other.asked.specs())


def test_functions_are_called_only_where_the_page_may_train(outputs):
    made = pd.DataFrame({"x": [1, 2]})
    assert page().table("made", pd.DataFrame, made)["x"].tolist() == [1, 2]
    kept = page(train=False).table("made", pytest.fail, "called without training")
    assert kept["x"].tolist() == [1, 2]
    assert page(train=False).table("given", made) is made


def test_long_tables_are_folded(outputs):
    short = page().show(pd.DataFrame({"x": range(MOST_ROWS)}))
    long = page().show(pd.DataFrame({"x": range(MOST_ROWS + 1)}))
    assert "<details>" not in short.to_html() and long.data.startswith("<details>")
    assert f"table of {MOST_ROWS + 1} rows" in long.data


def test_figures_verdicts_and_facts_are_products_of_the_set(outputs):
    figure = plots.parameter_states()
    shown = page().figure("parameter-states", figure)
    assert shown.figure is figure
    assert shown._repr_png_()[0] == (outputs / "smoke/figures/parameter-states.png").read_bytes()
    verdicts = pd.DataFrame({"claim": ["1"], "test": ["by eye"], "verdict": ["agrees"]})
    assert "by eye" not in page().verdicts(verdicts).to_html()
    assert page().close({"runs": 2}) == {"runs": 2}
    files = {str(p.relative_to(outputs)) for p in outputs.rglob("*") if p.is_file()}
    assert files == {
        "smoke/figures/parameter-states.png",
        "smoke/figures/parameter-states.svg",
        "smoke/tables/verdicts.csv",
        "smoke/facts/01_toy_data.json",
    }

"""The kept results: every figure of the large sets is drawn from them, without training."""

import json
import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lth_utils import config, imp
from lth_utils.publish import parameters
from lth_utils.runs import places, store

ROOT = Path(__file__).parents[1]
CASES = [
    (folder.parent.name, notebook)
    for folder in sorted((ROOT / "outputs").glob("*/tables"))
    for notebook in parameters.find("all")
    if folder.parent.name in ("thesis", "extended")
    and "train" in parameters.parameters_of(notebook)
    and (folder.parent / "facts" / f"{notebook.stem}.json").exists()
]


def test_there_is_something_kept():
    assert {name for name, _ in CASES} >= {"thesis"}


@pytest.mark.parametrize(("set_name", "notebook"), CASES, ids=[f"{s}-{n.stem}" for s, n in CASES])
def test_figures_and_facts_come_from_the_kept_tables(set_name, notebook, tmp_path, monkeypatch):
    """The notebook's cells, executed here, where a training would be an error."""
    for kind in ("tables", "runs"):
        if (ROOT / "outputs" / set_name / kind).is_dir():
            shutil.copytree(ROOT / "outputs" / set_name / kind, tmp_path / set_name / kind)
    other = "thesis" if set_name == "extended" else "extended"
    shutil.copytree(
        ROOT / "outputs" / other / "runs", tmp_path / "runs"
    )  # somebody's own runs are not those that are kept
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    monkeypatch.setattr(imp, "run", lambda *_, **__: pytest.fail("training was asked for"))
    if "mnist" in notebook.stem and "LTH_DATA_ROOT" not in os.environ:
        pytest.skip("LTH_DATA_ROOT names no folder with the real image files")
    values = parameters.parameters(
        notebook, config.read(ROOT / "parameters" / set_name / f"{notebook.stem}.yaml"), "test"
    )
    names = {"display": lambda *_: None}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            if "parameters" in cell["metadata"].get("tags", []):
                names |= values | {"set_name": set_name, "train": False}
    last = "".join(cell["source"]).splitlines()[-1]
    if last.startswith("explorer.explore(page.store"):
        assert eval(last, names).run in store.Store(tmp_path / set_name).entries()
    facts = json.loads((tmp_path / set_name / "facts" / f"{notebook.stem}.json").read_text())
    assert facts == json.loads(
        (ROOT / "outputs" / set_name / "facts" / f"{notebook.stem}.json").read_text()
    )
    drawn = {p.stem for p in (tmp_path / set_name / "figures").glob("*.png")}
    assert drawn == {p.stem for p in (tmp_path / set_name / "figures").glob("*.svg")}
    assert drawn == set(re.findall(r'page\.figure\(\\"([a-z-]+)\\"', notebook.read_text()))


@pytest.mark.parametrize("set_name", sorted({s for s, _ in CASES}))
def test_kept_tables_say_where_they_come_from(set_name):
    tables = list((ROOT / "outputs" / set_name / "tables").glob("*-levels.json"))
    assert tables
    for path in tables:
        about = json.loads(path.read_text())
        assert (
            about["runs"] > 0
            and about["seconds"] > 0
            and about["torch"]
            and about["device"]
            and about["first"] <= about["last"]
        )
    verdicts = pd.read_csv(ROOT / "outputs" / set_name / "tables" / "verdicts.csv")
    assert set(verdicts["verdict"]) <= {"agrees", "differs", "cannot tell"}


def test_what_is_kept_is_small():
    kept = [
        p
        for s in ("thesis", "extended")
        for p in (ROOT / "outputs" / s).rglob("*")
        if (p.is_file() and p.parent.name in ("tables", "facts"))
        or ("runs" in p.parts and p.is_file())
    ]
    assert sum(p.stat().st_size for p in kept) < 10 * 2**20
    assert places.outputs()  # names the folder; nothing is written by asking

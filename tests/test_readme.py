"""The README says what the kept results say, its code runs, and the generated ones are current."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import lth_utils as lth
from lth_utils.config import SpecError
from lth_utils.publish import products, readmes
from lth_utils.publish.captions import CHAPTERS
from lth_utils.studies import outcomes, toy_data, verdict

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GENERATED = ("outputs/README.md", "lth_utils/README.md", "notebooks/README.md")


def joined(text):
    """A text on one line, without the marks of quotations."""
    return " ".join(re.sub(r"^>", "", text, flags=re.MULTILINE).split())


def facts(set_name, notebook):
    path = ROOT / "outputs" / set_name / "facts" / f"{notebook}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def verdicts(set_name, name="verdicts"):
    path = ROOT / "outputs" / set_name / "tables" / f"{name}.csv"
    return pd.read_csv(path, dtype=str)


# what the README says


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(ROOT / "outputs"))


def test_the_result_to_expect_is_that_of_the_first_eight_kept_seeds(kept):
    """The extended set has the runs of the quick set, and more."""
    table = products.read_table("extended", "01_toy_data-levels")
    summary = outcomes.outcomes(table[table["seed"] < 8])
    theirs = toy_data.thesis_separation([4, 8, 8, 2], 9)
    assert toy_data.separation(summary, theirs)["headline"] in joined(README)


def test_the_findings_have_the_kept_numbers(kept):
    words = verdicts("extended")["verdict"].value_counts()
    counts = f"{words['agrees']} agree with the thesis, {words['differs']} differ"
    assert f"Of the {words.sum()} statements tested with many seeds, {counts}" in joined(README)
    assert f"differ and {words['cannot tell']} cannot be decided" in joined(README)
    told = verdicts("extended", "predictions")
    words = told["verdict"].value_counts()
    counts = f"{words['agrees']} agree and {words['differs']} differ"
    assert f"Of {len(told)} predictions of its story, {counts}" in joined(README)
    assert facts("extended", "03_extension_sweep")["above_level_9"]["sentence"] in README
    ways = products.read_table("extended", "02_mnist_fashion-variants").set_index("variant")
    decay = ways.loc["weight decay", ["separated", "runs", "as_good"]].astype(int)
    separated = f"{decay['separated']} of {decay['runs']} networks (14 × 14 pixels) separate"
    assert f"{separated}, {decay['as_good']} of them at least as accurate" in README


def test_the_sentence_on_the_data_has_the_kept_numbers():
    apart = facts("extended", "09_controls_and_dials")["apart"]
    pair, twice = apart["dependence, 1000 points, 0"], apart["twice, 1000 points, 0"]
    counts = f"in {pair[0]} of {pair[1]} networks, one task given twice in {twice[0]} of {twice[1]}"
    assert f"Two independent tasks part {counts}" in joined(README)
    told = verdicts("extended", "predictions").set_index("statement")["ours"]
    (gradual,) = told[told.index.str.startswith("gradual separates")]
    assert f"Gradual pruning separates more often, {gradual.partition(',')[0]};" in joined(README)


def test_the_shares_of_one_layer_networks_are_the_kept_ones():
    shares = facts("extended", "03_extension_sweep")
    alone, layerwise = shares["separated"]["1"]["16"], shares["layerwise"]["16"]
    sentence = f"level 16, {alone:.0%} separate; pruned layer by layer, {layerwise:.0%} do"
    assert sentence in joined(README)


def test_every_notebook_is_listed_with_the_measured_minutes():
    measured = json.loads((ROOT / "outputs" / "measured.json").read_text(encoding="utf-8"))
    minutes = measured["quick_minutes"]
    assert set(minutes) == set(CHAPTERS) == {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")}
    for stem, value in minutes.items():
        assert re.search(rf"\[{stem}\]\(notebooks/{stem}.ipynb\).*\| {value:g} \|", README), stem


def test_the_readme_is_short():
    lines = README.splitlines()
    prose = [line for line in lines if not line.startswith(("|", "!"))]
    assert len(lines) <= 150 and max(map(len, prose)) <= 120


def test_files_that_the_readme_names_are_there():
    for name in re.findall(r"`((?:lth_utils|tests|studies)/[a-z_/]+\.py)`", README):
        assert (ROOT / name).is_file() or (ROOT / "lth_utils" / name).is_file(), name


def test_commands_of_the_readme_are_targets_of_the_makefile():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    asked = set(re.findall(r"^make (\w+)|`make (\w+)", README, flags=re.MULTILINE))
    assert asked and {"".join(pair) for pair in asked} <= targets


@pytest.mark.parametrize("name", ["README.md", *GENERATED])
def test_names_of_the_public_face_are_there(name):
    for asked in re.findall(r"\blth\.(\w+)", (ROOT / name).read_text(encoding="utf-8")):
        assert asked in lth.__all__, asked


def test_readme_code_runs(smoke, tmp_path):
    """The Python blocks of the README, one after the other, on the runs of the smoke set."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 2
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks))
    environment = {**os.environ, "LTH_OUTPUTS": str(smoke[0])}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# the generated ones


@pytest.fixture(scope="module")
def generated():
    return readmes.texts(ROOT)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_readmes_are_current(generated, name):
    assert set(generated) == set(GENERATED)
    assert (ROOT / name).read_text(encoding="utf-8") == generated[name], (
        f"{name} is out of date: run lth_utils readmes"
    )


def test_the_house_is_listed_in_the_order_of_its_imports():
    from test_house import FOLDERS

    assert list(readmes.HOUSE) == FOLDERS


def test_the_results_have_the_verdicts_of_the_kept_tables():
    text = (ROOT / "outputs" / "README.md").read_text(encoding="utf-8")
    for name in ("thesis", "extended"):
        table = verdicts(name)
        shown = table if name == "extended" else table[table["claim"] == "7"]
        assert f"\n\n{verdict.markdown(shown)}\n\n" in text
        for key in ("headline", "frontier"):
            assert facts(name, "02_mnist_fashion")[key] in joined(text)


def test_every_kept_figure_is_among_the_results():
    text = (ROOT / "outputs" / "README.md").read_text(encoding="utf-8")
    kept = (ROOT / "outputs").glob("*/figures/*.png")
    paths = [p.relative_to(ROOT / "outputs").as_posix() for p in kept]
    large = [p for p in paths if p.startswith(("thesis/", "extended/"))]
    assert large and all(f"]({p})" in text for p in large)


@pytest.mark.parametrize("name", ["README.md", *GENERATED])
def test_every_link_leads_to_a_file_and_a_heading(name):
    path = ROOT / name
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def anchors(text):
    """The places in a Markdown text that a link can lead to, as forges name them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    named = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    return named | set(re.findall(r'<a id="([^"]+)">', text))


def test_one_call_writes_all_generated_readmes(tmp_path, monkeypatch, generated):
    monkeypatch.setattr(readmes, "texts", lambda root: generated)
    with pytest.raises(SpecError, match=r"no outputs/measured.json"):
        readmes.write_all(tmp_path)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "measured.json").write_text("{}")
    written = readmes.write_all(tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in written] == list(GENERATED)
    assert all(p.read_text(encoding="utf-8") for p in written)

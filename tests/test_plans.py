"""What cannot be trained is refused when it is planned; what was kept still plans."""

import itertools
import time

import pandas as pd
import pytest

from lth_utils import pruning
from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, expand, span
from lth_utils.data import spec as data_spec
from lth_utils.publish import products
from lth_utils.runs import sweep
from lth_utils.runs.store import Store

ROOT_SETS = ("thesis", "extended")
WHOLE = {"prune.levels", "prune.target", "prune.rewind"}


def planned(base=(4, 8, 8, 2), **prune):
    return pruning.plan(RunSpec(DataSpec(), base=base, prune=PruneSpec(**prune)))


@pytest.mark.parametrize(
    ("base", "prune", "message"),
    [
        ((4, 8, 2), {"rate": 0.5, "levels": 9}, "level 7 of 9 would keep no weight; give fewer"),
        ((4, 8, 2), {"rate": 0.99, "levels": 2}, "level 1 of 2 would keep no weight"),
        ((4, 8, 2), {"rate": 0.001, "levels": 3}, "level 1 of 3 would remove nothing"),
        (
            (4, 8, 2),
            {"rate": 0.005, "levels": 4},
            "level 1 of 4 would remove nothing: it keeps 48 weights, as many as the level before",
        ),
        ((4, 8, 2), {"levels": 60, "target": 3}, "would remove nothing"),
        (
            (4, 8, 8, 2),
            {"rate": 0.05, "levels": 4, "schedule": "extension"},
            r"level \d of 4 would remove nothing",
        ),
        ((4, 8, 2), {"levels": 4, "target": 2, "scope": "layer"}, "level 4 of 4: .* empty layer"),
        ((4, 8, 2), {"levels": 0, "criterion": "taylor"}, "criterion is 'taylor'; allowed: magn"),
        ((4, 8, 2), {"levels": 0, "criterion": "magnitud"}, r"did you mean magnitude\?"),
    ],
)
def test_dead_levels_are_refused_by_number(base, prune, message):
    with pytest.raises(SpecError, match=message):
        planned(base, **prune)


@pytest.mark.parametrize("weights", [48, 112, 3591])
@pytest.mark.parametrize("rate", [0.1, 0.32, 0.5, 0.9])
def test_every_plan_that_is_not_refused_falls_and_keeps_something(weights, rate):
    base = {48: (4, 8, 2), 112: (4, 8, 8, 2), 3591: (4, 57, 57, 2)}[weights]
    accepted = []
    for levels in range(40):
        try:
            _, keep = planned(base, rate=rate, levels=levels)
        except SpecError as error:
            assert "would keep no weight" in str(error) or "would remove nothing" in str(error)
            continue
        accepted.append(levels)
        assert keep[-1] > 0 and all(a > b for a, b in itertools.pairwise(keep))
    assert accepted == list(range(len(accepted))) and len(accepted) > 1


def test_a_run_that_is_never_pruned_on_purpose_is_planned():
    assert planned(levels=3, target=112) == ((4, 8, 8, 2), [112] * 4)


def test_runs_of_earlier_versions_with_dead_levels_can_be_read():
    spec = RunSpec(DataSpec(), base=(4, 8, 2), prune=PruneSpec(rate=0.5, levels=9))
    assert pruning.dense_shape(spec) == (4, 8, 2)
    spec = RunSpec(DataSpec(), base=(4, 8, 2), prune=PruneSpec(levels=0, criterion="theirs"))
    assert pruning.dense_shape(spec) == (4, 8, 2)


def layers_of(text):
    """The shape that a column holds."""
    layers = []
    for part in text.split("-"):
        numbers = tuple(int(number) for number in part.split("x"))
        layers.append(numbers if len(numbers) > 1 else numbers[0])
    return tuple(layers)


@pytest.mark.parametrize("set_name", ROOT_SETS)
def test_every_kept_spec_still_plans(set_name, monkeypatch):
    monkeypatch.delenv("LTH_OUTPUTS", raising=False)
    folder, plans = products.outputs() / set_name / "tables", 0
    for path in sorted(folder.glob("*-levels.json")):
        table = products.read_table(set_name, path.stem)
        columns = ["base", *(name for name in table if name.startswith("prune."))]
        table = table.astype(dict.fromkeys(columns, object))
        for values, rows in table.groupby(columns, dropna=False):
            prune = {}
            for name, value in zip(columns[1:], values[1:], strict=True):
                if pd.notna(value):
                    key = name.removeprefix("prune.")
                    prune[key] = int(value) if name in WHOLE else value
            _, keep = planned(layers_of(values[0]), **prune)
            whole = rows[rows["run"] == rows["run"].iloc[0]]
            assert whole["available"].iloc[0] in keep
            plans += 1
    assert plans > 100


# limits


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PruneSpec(rate=0.1, levels=10**9), "levels is 1000000000; allowed: 0 or more, at"),
        (lambda: PruneSpec(levels=10**9, target=5), "at most 10000"),
        (lambda: planned(rate=1e-12, target=1), r"takes 4\.72e\+12 levels from 112 weights"),
        (lambda: planned(rate=1e-17, target=1), "takes inf levels"),
        (lambda: planned(rate=1e-12, levels=9), "level 1 of 9 would remove nothing"),
        (lambda: planned((4, 10**9, 2), levels=0), "has 6000000000 weights; allowed: 1000000000"),
        (lambda: planned((4, 10**6, 10**6, 2), levels=0), "weights; allowed: 1000000000"),
        (lambda: planned(rate=0.5, levels=9999, schedule="extension"), "has more than 1000000000"),
        (lambda: planned((4, 8, 2), rate=0.9, levels=99, schedule="extension"), "give fewer"),
        (lambda: expand(RunSpec(DataSpec()), {"seed": range(10**7)}), "the grid has 10000000 runs"),
        (lambda: expand(RunSpec(DataSpec()), {"seed": list(range(10**7))}), "grid has 10000000"),
        (lambda: span("0-9999999"), "'0-9999999' has more than 1000000 numbers"),
        (lambda: span("0-999999999999"), "has more than 1000000 numbers"),
        (lambda: span(",".join(["0-999999"] * 9)), "has more than 1000000 numbers"),
        (lambda: span("9" * 5000), "is no span of whole numbers"),
        (lambda: span("²-³"), "is no span of whole numbers"),
    ],
)
def test_what_would_not_end_is_refused_at_once(make, message):
    began = time.perf_counter()
    with pytest.raises(SpecError, match=message):
        make()
    assert time.perf_counter() - began < 1


def test_a_sweep_refuses_them_before_anything_is_written(tmp_path):
    dead = RunSpec(data_spec("moons_circles"), base=(4, 8, 2), prune=PruneSpec(0.5, 9))
    with pytest.raises(SpecError, match="would keep no weight"):
        sweep.run([dead], Store(tmp_path), device="cpu")
    assert not list(tmp_path.iterdir())

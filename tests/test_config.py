"""Hyper-parameters: what is read, what is refused, and the address a run gets."""

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from lth_utils import config
from lth_utils.config import (
    DataSpec,
    PruneSpec,
    RunSpec,
    SpecError,
    TrainSpec,
    VariantSpec,
    coerce,
    expand,
    parse,
    read,
    rng,
    run_id,
)

DATA = DataSpec(
    "moons_circles", (("factor", 0.35), ("n_samples", 1000), ("noise", 0.1), ("seed", 0))
)
RATE = PruneSpec(rate=0.32, levels=9)
SPEC = RunSpec(
    data=DATA,
    base=(4, 8, 8, 2),
    seed=3,
    train=TrainSpec(lr=1e-3, batch_size=64, patience=30, max_epochs=3000, loss="mean"),
    prune=PruneSpec(
        rate=0.32,
        levels=9,
        target=None,
        schedule="extension",
        criterion="magnitude",
        scope="global",
    ),
    coverage="total",
    stop_at=("degraded",),
)


# addresses


def test_the_address_of_a_complete_spec_never_changes():
    """A changed address would orphan every stored run: change it knowingly or not at all."""
    assert run_id(SPEC) == "moons_circles-4-8-8-2-levels9-seed3--7ba5ff705db5"


@pytest.mark.parametrize(
    "changed",
    [
        replace(SPEC, seed=4),
        replace(SPEC, base=(4, 8, 8, 8, 2)),
        replace(SPEC, coverage="output"),
        replace(SPEC, stop_at=()),
        *(
            replace(SPEC, data=replace(DATA, **c))
            for c in ({"name": "other"}, {"options": DATA.options[1:]})
        ),
        *(
            replace(SPEC, train=replace(SPEC.train, **c))
            for c in (
                {"lr": 2e-3},
                {"batch_size": 65},
                {"patience": 31},
                {"max_epochs": 1},
                {"loss": "sum"},
                {"weight_decay": 1e-4},
                {"record": True},
            )
        ),
        *(
            replace(SPEC, prune=replace(SPEC.prune, **c))
            for c in (
                {"rate": 0.33},
                {"levels": 8},
                {"schedule": "rate"},
                {"criterion": "random"},
                {"scope": "layer"},
                {"schedule": "rate", "levels": None, "target": 112},
                {"alive": True},
                {"rewind": 1},
                {"one_shot": True},
                {"biases": "kept"},
            )
        ),
        replace(SPEC, init="torch"),
        *(
            replace(SPEC, variant=VariantSpec(TrainSpec(), **c))
            for c in ({"level": 1}, {"level": 2})
        ),
    ],
)
def test_every_field_is_part_of_the_address(changed):
    assert run_id(changed) != run_id(SPEC)


def test_one_value_has_one_address_however_it_is_written():
    plain = replace(SPEC, train=TrainSpec(lr=1.0))
    for written in (
        {"lr": 1},
        {"lr": "1"},
        {"lr": 1.0, "batch_size": 64.0},
        {"lr": "1e0", "patience": "30"},
    ):
        assert run_id(replace(SPEC, train=TrainSpec(**written))) == run_id(plain)
    assert run_id(replace(SPEC, base=[4, 8.0, 8, 2])) == run_id(SPEC)


def test_options_of_a_data_set_have_no_order():
    assert run_id(replace(SPEC, data=DataSpec(DATA.name, DATA.options[::-1]))) == run_id(SPEC)


def test_a_spec_survives_json():
    again = parse(RunSpec, json.loads(json.dumps(asdict(SPEC))), "spec.json")
    assert again == SPEC and run_id(again) == run_id(SPEC)
    assert parse(RunSpec, json.loads(config.canonical(SPEC)), "spec.json") == SPEC


# types


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("1e-3", float, 0.001),
        (1, float, 1.0),
        (64.0, int, 64),
        ("64", int, 64),
        ([1, "2"], tuple[int, ...], (1, 2)),
        (None, int | None, None),
        (np.int64(3), int, 3),
        (np.float32(0.5), float, 0.5),
        (range(3), tuple[int, ...], (0, 1, 2)),
    ],
)
def test_unambiguous_values_are_understood(value, kind, expected):
    found = coerce(value, kind, "x")
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("fast", float),
        (float("nan"), float),
        (float("inf"), float),
        (True, float),
        (True, int),
        (False, int | None),
        (2.5, int),
        ("2.5", int),
        (None, int),
        ([1], int),
        ("4-8-2", tuple[int, ...]),
        ([4, "x"], tuple[int, ...]),
        (3, str),
        ("yes", bool),
    ],
)
def test_values_of_the_wrong_type_are_refused(value, kind):
    with pytest.raises(SpecError, match=r"^field(\[1\])? is .*; expected"):
        coerce(value, kind, "field")


@pytest.mark.parametrize("name", ["seed", "train.batch_size", "prune.levels"])
def test_yes_and_no_are_no_numbers(name):
    with pytest.raises(SpecError, match=name.split(".")[-1]):
        expand(SPEC, {name: [True]})


# unknown names


@pytest.mark.parametrize(
    ("cls", "mapping", "message"),
    [
        (
            PruneSpec,
            {"rat": 0.3, "levels": 2},
            r"here\.rat is not a field; PruneSpec has rate, levels, .*did you mean rate",
        ),
        (TrainSpec, {"batchsize": 3}, r"here\.batchsize .*did you mean batch_size"),
        (RunSpec, {"data": {}, "prune": {"rat": 0.3}}, r"prune\.rat .*did you mean rate"),
        (RunSpec, {"data": {"nmae": "x"}}, r"data\.nmae .*did you mean name"),
        (TrainSpec, {3: 3}, r"here\.3 is not a field"),
        (TrainSpec, [1, 2], "expected a mapping with the fields of TrainSpec"),
        (RunSpec, {"seed": 1}, "data"),
    ],
)
def test_mappings_that_are_no_spec_are_refused(cls, mapping, message):
    with pytest.raises(SpecError, match=message):
        parse(cls, mapping, "here")


# ranges


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TrainSpec(lr=0), "TrainSpec.lr is 0.0; allowed: above 0"),
        (lambda: TrainSpec(lr=-1e-3), "TrainSpec.lr"),
        (lambda: TrainSpec(batch_size=0), "TrainSpec.batch_size is 0; allowed: 1 or more"),
        (lambda: TrainSpec(patience=0), "TrainSpec.patience"),
        (lambda: TrainSpec(max_epochs=0), "TrainSpec.max_epochs"),
        (lambda: TrainSpec(loss="means"), "did you mean mean"),
        (lambda: replace(RATE, rate=0), "above 0 and below 1"),
        (lambda: replace(RATE, rate=1), "above 0 and below 1"),
        (lambda: replace(RATE, levels=-1), "PruneSpec.levels is -1; allowed: 0 or more"),
        (lambda: PruneSpec(levels=2, target=0), "PruneSpec.target is 0; allowed: 1 or more"),
        (lambda: PruneSpec(levels=0, target=10), "without a pruning no target can be reached"),
        (lambda: replace(RATE, target=10), "given: rate, levels, target"),
        (lambda: PruneSpec(rate=0.3), "given: rate"),
        (lambda: PruneSpec(), "given: none"),
        (lambda: replace(RATE, schedule="extend"), "did you mean extension"),
        (
            lambda: PruneSpec(levels=3, target=9, schedule="extension"),
            "schedule extension needs exactly rate and levels",
        ),
        (lambda: replace(RATE, scope="layers"), "did you mean layer"),
        (lambda: replace(SPEC, base=(4,)), "RunSpec.base is .*two or more widths"),
        (lambda: replace(SPEC, base=(4, 0, 2)), "each 1 or more"),
        (lambda: replace(SPEC, base=()), "two or more widths"),
        (lambda: replace(SPEC, seed=-1), "RunSpec.seed is -1; allowed: 0 or more"),
        (lambda: replace(SPEC, coverage="outputs"), "did you mean output"),
        (lambda: replace(SPEC, stop_at=("degrade",)), "did you mean degraded"),
        (lambda: replace(SPEC, stop_at="degraded"), "stop_at is 'degraded'"),
    ],
)
def test_values_out_of_range_are_refused(build, message):
    with pytest.raises(SpecError, match=message):
        build()


def test_a_run_without_pruning_needs_no_rate():
    assert PruneSpec(levels=0).rate is None


# files


def test_a_file_is_read_as_a_mapping(tmp_path):
    (tmp_path / "p.yaml").write_text("lr: 1e-3\nseeds: [0, 1]\nprune: {rate: 0.3}\n")
    assert read(tmp_path / "p.yaml") == {"lr": "1e-3", "seeds": [0, 1], "prune": {"rate": 0.3}}


def test_an_empty_file_gives_no_parameters(tmp_path):
    (tmp_path / "p.yaml").write_text("# nothing yet\n")
    assert read(tmp_path / "p.yaml") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1\nseed: 2\nlr: 3\n", "p.yaml: lr given twice"),
        ("prune:\n  rate: 0.3\n  rate: 0.4\n", "p.yaml: rate given twice"),
        ("- lr\n", "expected a mapping of parameter names to values, found list"),
        ("lr: [1, 2\n", "p.yaml: not valid YAML"),
        ("? [1, 2]\n: 3\n", "p.yaml"),
        ("lr: !!python/object/apply:os.getcwd []\n", "p.yaml: not valid YAML"),
    ],
)
def test_files_that_are_ambiguous_or_broken_are_refused(tmp_path, text, message):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(SpecError, match=message):
        read(tmp_path / "p.yaml")


# grids


def test_a_grid_holds_every_combination_once_the_last_axis_fastest():
    specs = expand(SPEC, {"seed": range(3), "train.lr": ["1e-3", 0.1]})
    assert [(s.seed, s.train.lr) for s in specs] == [
        (0, 0.001),
        (0, 0.1),
        (1, 0.001),
        (1, 0.1),
        (2, 0.001),
        (2, 0.1),
    ]
    assert len({run_id(s) for s in specs}) == 6
    assert all(replace(s, seed=3, train=SPEC.train) == SPEC for s in specs)


def test_no_axis_gives_the_spec_itself():
    assert expand(SPEC, {}) == [SPEC]


def test_whole_networks_can_be_an_axis():
    assert [s.base for s in expand(SPEC, {"base": [[4, 8, 8, 2], [4, 6, 6, 2]]})] == [
        (4, 8, 8, 2),
        (4, 6, 6, 2),
    ]


def test_axes_may_leave_the_allowed_range_on_the_way_but_not_at_the_end():
    to_target = {"prune.schedule": ["rate"], "prune.rate": [None], "prune.target": [112, 200]}
    for order in (to_target, dict(reversed(to_target.items()))):
        assert [s.prune for s in expand(SPEC, order)] == [
            PruneSpec(levels=9, target=112),
            PruneSpec(levels=9, target=200),
        ]


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"seed": []}, "axis seed is .*at least one value"),
        ({"seed": 3}, "axis seed is 3"),
        ({"seed": "012"}, "axis seed is '012'"),
        ({"seed": [0, 1, 0]}, r"axis seed repeats \[0\]"),
        ({"train.lr": [0.001, "1e-3"]}, "axis train.lr repeats"),
        ({"base": [[4, 8, 2], [4, 8, 2]]}, "axis base repeats"),
        ({"seeds": [0]}, r"seeds is not a field.*did you mean seed"),
        ({"prune.level": [1]}, "did you mean levels"),
        ({"prune.rat": [0.1]}, r"prune\.rat is not a field.*did you mean rate"),
        ({"seed.first": [0]}, r"seed\.first is not a field"),
        ({"prune.rate": [0.3, 1.5]}, "above 0 and below 1"),
    ],
)
def test_grids_that_make_no_sense_are_refused(axes, message):
    with pytest.raises(SpecError, match=message):
        expand(SPEC, axes)


# random streams


def test_streams_depend_on_seed_and_every_name():
    keys = [
        (3, "init"),
        (3, "batches"),
        (4, "init"),
        (3, "prune", 1),
        (3, "prune", 2),
        (3, "prune"),
    ]
    first = {key: rng(*key).integers(2**62) for key in keys}
    assert len(set(first.values())) == len(first)
    assert all(rng(*key).integers(2**62) == value for key, value in first.items())


def test_a_stream_never_changes():
    assert rng(3, "init").integers(10**6, size=3).tolist() == [530688, 221559, 252921]


def test_specs_are_values():
    assert len({SPEC, replace(SPEC), replace(SPEC, seed=9)}) == 2
    with pytest.raises(AttributeError):
        SPEC.seed = 4
    told = replace(SPEC, init="torch", variant=VariantSpec(TrainSpec(), 1), output_gain=2.0)
    assert {f.name for f in fields(RunSpec)} == set(json.loads(config.canonical(told)))
    assert parse(RunSpec, json.loads(config.canonical(told)), "spec.json") == told


@pytest.mark.parametrize("text", ["", "3-1", "a", "1-", "-2", "1,,2", "0-x"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(SpecError, match="is no span of whole numbers"):
        config.span(text)


def test_a_grid_of_more_than_a_million_runs_asks_for_confirmation():
    axes = {"seed": range(1001), "train.patience": range(1, 1001)}
    with pytest.raises(
        SpecError,
        match=r"1001000 runs, more than 1000000; .* call expand\(\.\.\., limit=1001000\)",
    ):
        expand(RunSpec(DataSpec()), axes)
    with pytest.raises(SpecError, match="more than 3"):
        expand(RunSpec(DataSpec()), {"seed": [0, 1, 2, 3]}, limit=3)
    assert len(expand(RunSpec(DataSpec()), {"seed": [0, 1, 2, 3]}, limit=4)) == 4

"""Hyper-parameters: strict, canonical, and addressed by all their fields."""
import json

import pytest

from lth_utils import config, data
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, expand, parse, read, run_id

SPEC = RunSpec(data.spec("moons_circles"), seed=3)


def test_the_address_of_a_run_is_pinned():
    """A changed address would orphan every stored run: change it knowingly or not at all."""
    assert run_id(SPEC) == "moons_circles-4-8-8-2-levels9-seed3--7ba5ff705db5"


def test_a_spec_survives_its_json():
    assert parse(RunSpec, json.loads(config.canonical(SPEC)), "spec") == SPEC


@pytest.mark.parametrize("change", [{"seed": 4}, {"base": (4, 9, 9, 2)}, {"coverage": "output"}, {"stop_at": ("separated",)},
                                    {"train": TrainSpec(lr=2e-3)}, {"train": TrainSpec(batch_size=65)}, {"train": TrainSpec(patience=31)},
                                    {"train": TrainSpec(max_epochs=9)}, {"train": TrainSpec(loss="sum")},
                                    {"prune": PruneSpec(rate=0.32, levels=9)}, {"prune": PruneSpec(rate=0.32, levels=9, scope="layer")},
                                    {"data": data.spec("moons_circles", noise=0.2)}, {"data": data.spec("moons_circles", seed=1)}],
                         ids=str)
def test_every_field_changes_the_address(change):
    from dataclasses import replace
    assert run_id(replace(SPEC, **change)) != run_id(SPEC)


def test_equal_values_of_other_types_give_the_same_address():
    a = PruneSpec(rate="0.32", levels=9.0, schedule="extension")
    assert a == PruneSpec(rate=0.32, levels=9, schedule="extension")
    one = RunSpec(data.spec("moons_circles", noise=1), base=[4, 8, 8, 2], train=TrainSpec(lr="1e-3"))
    assert run_id(one) == run_id(RunSpec(data.spec("moons_circles", noise=1.0), train=TrainSpec(lr=0.001)))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: TrainSpec(lr=0), r"TrainSpec.lr is 0.0; allowed: above 0"),
    (lambda: TrainSpec(lr=float("nan")), r"TrainSpec.lr is nan"),
    (lambda: TrainSpec(patience=0), r"patience is 0; allowed: 1 or more"),
    (lambda: TrainSpec(batch_size=True), r"batch_size is True \(bool\); expected int"),
    (lambda: TrainSpec(batch_size=1.5), r"batch_size is 1.5"),
    (lambda: TrainSpec(loss="meen"), r"did you mean mean\?"),
    (lambda: PruneSpec(rate=1.0, levels=3), r"rate is 1.0; allowed: above 0 and below 1"),
    (lambda: PruneSpec(rate=0.0, levels=3), r"rate is 0.0"),
    (lambda: PruneSpec(rate=0.3, levels=-1), r"levels is -1"),
    (lambda: PruneSpec(levels=0, target=5), r"without a pruning no target can be reached"),
    (lambda: PruneSpec(rate=0.3), r"exactly two of rate, levels and target; given: rate"),
    (lambda: PruneSpec(rate=0.3, levels=2, target=9), r"exactly two"),
    (lambda: PruneSpec(levels=2, target=9, schedule="extension"), r"needs exactly rate and levels"),
    (lambda: RunSpec(SPEC.data, base=(4,)), r"two or more widths"),
    (lambda: RunSpec(SPEC.data, seed=-1), r"seed is -1"),
    (lambda: RunSpec(SPEC.data, stop_at=("seperated",)), r"did you mean separated\?"),
    (lambda: parse(PruneSpec, {"rat": 0.3}, "file.yaml: prune"), r"file.yaml: prune.rat is not a field; .*did you mean rate\?"),
    (lambda: parse(PruneSpec, [1], "prune"), r"expected a mapping"),
    (lambda: expand(SPEC, {"seeds": [1]}), r"seeds is not a field; .*did you mean seed\?"),
    (lambda: expand(SPEC, {"prune.level": [1]}), r"did you mean levels\?"),
    (lambda: expand(SPEC, {"seed": []}), r"at least one value"),
    (lambda: expand(SPEC, {"seed": [1, 1]}), r"repeats \[1\]"),
    (lambda: data.spec("moons_circels"), r"did you mean moons_circles\?"),
    (lambda: data.spec("moons_circles", nois=1), r"nois is not an option .*did you mean noise\?"),
    (lambda: data.load(config.DataSpec("moons_circles")), r"is not complete"),
])
def test_what_is_wrong_is_said_with_what_is_allowed(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_a_grid_is_the_product_of_its_axes():
    specs = expand(SPEC, {"prune.levels": [1, 2], "seed": [0, 1, 2]})
    assert [(s.prune.levels, s.seed) for s in specs] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert len(set(map(run_id, specs))) == 6


@pytest.mark.parametrize(("text", "message"), [
    ("a: 1\na: 2\n", "a given twice"), ("- 1\n", "expected a mapping"), ("a: [1\n", "not valid YAML"),
])
def test_yaml_files_are_read_strictly(tmp_path, text, message):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(SpecError, match=rf"p.yaml: .*{message}"):
        read(tmp_path / "p.yaml")


def test_named_streams_are_independent_of_each_other_and_of_the_order_of_calls():
    first = config.rng(0, "init").random(4)
    config.rng(0, "batches").random(100)
    assert (config.rng(0, "init").random(4) == first).all()
    others = [config.rng(*k).random(4) for k in ((1, "init"), (0, "batches"), (0, "prune", 1), (0, "prune", 2))]
    assert all((o != first).all() for o in others)

"""What arrives at the boundary of the package: tickets, masks, products and commands."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from convolution_cases import made_pictures, ticket_of

import lth_utils as lth
from lth_utils import __main__ as command_line
from lth_utils.config import SpecError
from lth_utils.explorer import explain, still
from lth_utils.publish import gallery, parameters, products, runner
from lth_utils.runs.files import StoreError
from lth_utils.viewer.run import run_of_tickets

TASKS = (lth.Task("left", range(0, 2), range(0, 1)), lth.Task("right", range(2, 4), range(1, 2)))
MASKS = [torch.ones(1, 5, 4, dtype=torch.bool), torch.ones(1, 2, 5, dtype=torch.bool)]
MASKS[0][0, 0] = False
VALUES = np.concatenate([np.zeros(4), np.ones(33)]).astype(np.float32)


def a_ticket(**changes) -> lth.Ticket:
    parts = {"shape": (4, 5, 2), "masks": MASKS, "initial": VALUES, "trained": VALUES}
    return lth.Ticket(**{**parts, "tasks": TASKS, "seed": 0, "level": 1, **changes})


# tickets made by hand


def test_a_ticket_by_hand_takes_what_is_safe():
    by_hand = a_ticket(
        shape=[4, 5, 2],
        masks=[mask.numpy() for mask in MASKS],
        initial=torch.from_numpy(VALUES).double(),
        trained=list(map(float, VALUES)),
        tasks=list(TASKS),
    )
    assert by_hand.shape == (4, 5, 2) and by_hand.trained.dtype == np.float32
    assert torch.equal(by_hand.model()[0].weight[0], torch.zeros(4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trained": np.ones(37, np.float32)}, "trained values of 4 weights are not zero"),
        ({"initial": VALUES[:30]}, r"initial values are float32 \(30,\); expected .* 7 biases"),
        ({"trained": VALUES * np.float32(np.nan)}, "trained value 0 is nan, not finite"),
        ({"masks": MASKS[:1]}, "a ticket of network 4-5-2 has"),
        ({"masks": [mask.repeat(2, 1, 1) for mask in MASKS]}, "a ticket of network 4-5-2 has"),
        ({"tasks": [lth.Task("far", range(9), range(1))]}, "inputs reach to 9"),
        ({"level": -1}, "level is -1; allowed: 0 or more"),
    ],
)
def test_a_ticket_by_hand_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(SpecError, match=message):
        a_ticket(**changes)


def test_initial_values_that_were_not_kept_make_no_model():
    unknown = a_ticket(initial=np.where(VALUES > 0, np.nan, VALUES).astype(np.float32))
    with pytest.raises(SpecError, match="initial values of level 1 were not kept"):
        unknown.model("initial")


# masks


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (torch.nn.Linear(4, 2), "residual connections and other branches cannot be seen"),
        (MASKS[0], "of type Tensor; expected a list"),
        ({"a": MASKS[0]}, "of type dict; expected a list"),
        ([mask.float() for mask in MASKS], r"mask 0 has type torch.float32; .* weight != 0"),
        ([mask[0] for mask in MASKS], r"mask\[None\] adds the axis of members"),
        ([MASKS[0], MASKS[1].to("meta")], "several devices: cpu, meta"),
        ([], "the list of masks is empty"),
    ],
)
def test_what_is_no_list_of_masks_is_refused(masks, message):
    with pytest.raises(SpecError, match=message):
        lth.status(masks, TASKS)


# pictures


@pytest.fixture(scope="module")
def convolutional() -> lth.Ticket:
    pictures = made_pictures()
    members = lth.init(((2, 8), (3, 3, 2), 7, 4), [0])
    return ticket_of(members, pictures.tasks, 0)


def test_convolutional_tickets_are_refused_in_words(convolutional):
    for call in (
        lambda: lth.explore([convolutional]),
        lambda: explain(convolutional, 1, 0),
        lambda: lth.plots.draw_network(None, convolutional),
    ):
        with pytest.raises(SpecError, match="2x8-3x3x2-7-4; pictures and explanations are of"):
            call()


def test_tasks_without_a_decision_region_are_named():
    tasks = (*TASKS[:1], lth.Task("three", range(2, 4), range(1, 4)))
    masks = [MASKS[0], torch.ones(1, 4, 5, dtype=torch.bool)]
    values = np.concatenate([np.zeros(4), np.ones(45)]).astype(np.float32)
    drawn = a_ticket(shape=(4, 5, 4), masks=masks, tasks=tasks, initial=values, trained=values)
    figure = still.draw(run_of_tickets([drawn]), 0)
    assert figure.get_supxlabel() == "no region of three: only of two inputs and two classes"


# products


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".hidden", "", "a\nb", "a\\b"])
def test_no_product_leaves_the_folder_of_its_set(name, outputs):
    for write in (
        lambda: products.write_facts("set", name, {}),
        lambda: products.write_facts(name, "facts", {}),
        lambda: products.write_table("set", name, pd.DataFrame({"a": [1]})),
    ):
        with pytest.raises(SpecError, match="is no name of a"):
            write()
    assert not list(outputs.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2,3,4\n", b"[1", b"[1]"])
def test_a_damaged_table_or_note_is_named(content, outputs):
    file = products.write_table("set", "levels", pd.DataFrame({"run": ["a", "b"]}))
    note = file.with_suffix(".json")
    note.write_bytes(content)
    with pytest.raises(StoreError, match=r"levels.json is damaged .*delete it"):
        products.read_table("set", "levels")
    note.unlink()
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"levels.csv"):
        products.read_table("set", "levels", [])


def test_damaged_facts_are_none_and_damaged_figures_are_named(outputs):
    facts = products.write_facts("set", "01_toy_data", {"headline": "all went well"})
    assert products.read_facts("set", "01_toy_data") == {"headline": "all went well"}
    facts.write_bytes(b"[1")
    assert products.read_facts("set", "01_toy_data") == {}
    figures = outputs / "set" / "figures"
    figures.mkdir()
    (figures / "outcomes.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(StoreError, match=r"outcomes.png is damaged"):
        gallery.write("set")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"cells": [3]}', b"\xff", b"[" * 9999])
def test_a_broken_notebook_is_named(content, tmp_path):
    notebook = tmp_path / "01_x.ipynb"
    notebook.write_bytes(content)
    with pytest.raises(SpecError, match=r"01_x.ipynb cannot be read as a notebook|0 cells"):
        parameters.parameters_of(notebook)
    assert not runner.up_to_date(notebook, "mark")
    notebook.write_text(json.dumps({"metadata": {"lth_utils": [1]}}))
    assert not runner.up_to_date(notebook, "mark")


# commands


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("x"), "error: KeyError: 'x'. This was not foreseen"),
        (OSError(28, "No space left on device", "a.png"), "a.png: No space left on device"),
        (SpecError("rate is 2"), "error: rate is 2\n"),
        (MemoryError(), "error: MemoryError"),
    ],
)
def test_every_error_becomes_a_sentence(error, words, monkeypatch, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(runner, "gallery", fail)
    monkeypatch.setattr(runner, "figures", fail)
    monkeypatch.delenv("LTH_DEBUG", raising=False)
    assert command_line.main(["figures", "--set", "quick"]) == 1
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    monkeypatch.setenv("LTH_DEBUG", "1")
    with pytest.raises(type(error)):
        command_line.main(["figures", "--set", "quick"])


def test_strict_stops_at_a_damaged_run(outputs, monkeypatch, capsys):
    spec = lth.RunSpec(lth.data.spec("moons_circles", n_samples=30), base=(4, 5, 2))
    spec = replace(spec, train=lth.TrainSpec(max_epochs=1), prune=lth.PruneSpec(0.3, 1))
    lth.sweep([spec], device="cpu")
    ran = []
    monkeypatch.setattr(runner, "run", lambda *_, **__: ran.append(1))
    assert command_line.main(["run", "01", "--strict"]) == 0 and ran == [1]
    (outputs / "runs" / lth.run_id(spec) / "levels.csv").write_text("level\n")
    assert command_line.main(["run", "01", "--strict"]) == 1 and ran == [1]
    assert "1 runs are damaged, first" in capsys.readouterr().err


# what trains


def test_what_is_no_population_data_or_spec_is_named(toy):
    members = lth.init((4, 5, 2), [0, 1])
    for call, message in (
        (lambda: lth.train(None, toy, lth.TrainSpec()), "population is of type NoneType"),
        (lambda: lth.train(members, [], lth.TrainSpec()), "data is of type list; expected Dataset"),
        (lambda: lth.train(members, toy, {}), "spec is of type dict; expected TrainSpec"),
        (
            lambda: replace(members, mask=members.mask.float()),
            "mask of a population is torch.float",
        ),
        (lambda: lth.rewind(members, members.mask[:1]), r"mask is torch.bool \(1, 30\)"),
        (lambda: next(lth.imp.run(members, toy, [30, 0], None, lth.PruneSpec(0.3, 1))), "keep is"),
        (lambda: lth.init((4, 5, 2), [0], "cud"), "device is 'cud', which torch does not know"),
    ):
        with pytest.raises(SpecError, match=message):
            call()


@pytest.mark.parametrize("kind", [">f8", "<f2", "i1", "?"])
def test_any_real_type_of_numbers_trains_alike(kind, toy):
    x = np.round(toy.x_train).astype(kind)
    plain = lth.Dataset(x.astype(np.float32), toy.y_train, toy.x_test, toy.y_test, toy.tasks)
    odd = replace(plain, x_train=x, y_train=toy.y_train.astype(">i2"), y_test=toy.y_test > 0)
    members, spec = lth.init((4, 5, 2), [0]), lth.TrainSpec(max_epochs=2)
    (one, _), (other, _) = (lth.train(members, data, spec) for data in (plain, odd))
    assert torch.equal(one.parameters, other.parameters)

"""Files for other programs hold the same network, and a card that says what it is."""

import json

import numpy as np
import pytest
import torch
from convolution_cases import masked, ticket_of
from test_compaction import separated, sparse_ticket
from torch import nn

import lth_utils as lth
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, run_id
from lth_utils.data import Task
from lth_utils.runs import record
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store

SPEC = RunSpec(
    lth.data.spec("moons_circles", n_samples=96),
    base=(4, 8, 8, 2),
    train=TrainSpec(max_epochs=3, batch_size=40),
    prune=PruneSpec(rate=0.3, levels=2),
)
LIBRARIES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "safetensors": ("safetensors",)}
OPTIONAL = [pytest.param(end, id=end) for end in ("pt", *LIBRARIES)]


def needs(end):
    for name in LIBRARIES.get(end, ()):
        pytest.importorskip(name, reason=f"{name} of the optional extra export is not installed")


def outputs_of(path, x, ticket):
    """What the file computes, read without this package but for ``state_dict``."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path.read_bytes())
        (name,) = [given.name for given in session.get_inputs()]
        return torch.from_numpy(session.run(None, {name: x.numpy()})[0])
    if path.suffix == ".safetensors":
        model = lth.load_model(path)
    else:
        model = lth.compact(ticket)
        model.load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        return model(x)


def convolutional():
    tasks = Task("a", range(64), range(1)), Task("b", range(64, 128), range(1, 2))
    return ticket_of(masked(((2, 8), (4, 3, 2), 5, 2), [0], low=0.3), tasks, 0)


def of_few_weights():
    """A ticket of which a layer is held weight by weight."""
    _, weight = sparse_ticket()
    masks = [weight[None] != 0, torch.ones(1, 2, 200, dtype=torch.bool)]
    values = np.concatenate([weight.flatten().numpy(), np.full(602, 0.1, np.float32)])
    tasks = Task("a", range(150), range(1)), Task("b", range(150, 300), range(1, 2))
    return lth.Ticket((300, 200, 2), masks, values, values, tasks, seed=0, level=3)


@pytest.mark.parametrize("end", OPTIONAL)
@pytest.mark.parametrize("made", [separated, convolutional, of_few_weights])
def test_files_compute_what_the_ticket_computes(tmp_path, made, end):
    needs(end)
    ticket = made()
    path = lth.export(ticket, tmp_path / f"ticket.{end}")
    n_inputs = max(max(task.inputs) for task in ticket.tasks) + 1
    for size in (1, 5):
        x = torch.randn(size, n_inputs, generator=torch.manual_seed(size))
        expected = ticket.model()(x).detach()
        torch.testing.assert_close(outputs_of(path, x, ticket), expected, rtol=1e-5, atol=1e-5)
    text = path.with_name(f"ticket.{end}.md").read_text()
    assert f"- level: {ticket.level}" in text and "- a: binary, outputs 0 to 0" in text
    assert f"- bytes: {path.stat().st_size}" in text


@pytest.mark.parametrize("end", OPTIONAL)
def test_the_card_of_a_run_names_data_scores_and_provenance(tmp_path, monkeypatch, end):
    needs(end)
    monkeypatch.setattr(record, "KEEP_TRAINED", 60)
    store = Store(tmp_path)
    lth.sweep([SPEC], store, device="cpu")
    path = lth.export(run_id(SPEC), tmp_path / f"run.{end}", level=0, store=store)
    row = store.table([SPEC]).iloc[0]
    card = path.with_name(f"run.{end}.md").read_text()
    for words in (
        "name: moons_circles",
        f"circles: accuracy {row['accuracy_circles']:.4f} on the test split",
        f"available: {row['available']}",
        f"status: {row['status']} (total coverage)",
        f"run: {run_id(SPEC)}",
        "values: trained",
    ):
        assert words in card
    if end == "safetensors":
        with __import__("safetensors").safe_open(str(path), "pt") as file:
            told = json.loads(file.metadata()["lth_utils"])
        assert told["provenance"]["run"] == run_id(SPEC) and told["data"]["n_samples"] == 96


def test_trained_values_that_were_not_kept_are_trained_again(tmp_path, monkeypatch):
    kept, again = Store(tmp_path / "kept"), Store(tmp_path / "again")
    lth.sweep([SPEC], kept, device="cpu")
    monkeypatch.setattr(record, "KEEP_TRAINED", 0)
    lth.sweep([SPEC], again, device="cpu")
    for level in range(3):
        assert again.ticket(run_id(SPEC), level).trained is None
        found = lth.retrained(run_id(SPEC), level, again, device="cpu")
        assert np.array_equal(found.trained, kept.ticket(run_id(SPEC), level).trained)
        assert lth.retrained(run_id(SPEC), level, kept).trained is not None


def test_training_that_ends_elsewhere_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEEP_TRAINED", 0)
    store = Store(tmp_path)
    lth.sweep([SPEC], store, device="cpu")
    history = store.history(run_id(SPEC))
    history.rows["loss"] += 1
    monkeypatch.setattr(Store, "history", lambda *_: history)
    with pytest.raises(SpecError, match=r"ends with a test loss of .* here, where the run had"):
        lth.retrained(run_id(SPEC), 0, store, device="cpu")


def test_any_model_can_be_written(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))
    model[0].weight.data[1] = 0
    path = lth.export(model, tmp_path / "own.pt", about={"data": "my own"})
    assert torch.load(path, weights_only=True)["0.weight"].shape == (2, 4)
    assert "## data\n\nmy own" in path.with_name("own.pt.md").read_text()


def test_files_that_cannot_be_written_or_read_get_a_word(tmp_path):
    with pytest.raises(SpecError, match=r"'.zip'; allowed: .onnx, .pt, .safetensors"):
        lth.export(separated(), tmp_path / "ticket.zip")
    needs("safetensors")
    with pytest.raises(StoreError, match=r"cannot read|is no model"):
        lth.load_model(tmp_path / "nothing.safetensors")
    own = lth.export(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), tmp_path / "own.safetensors")
    with pytest.raises(StoreError, match="does not say how its layers are called"):
        lth.load_model(own)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda card: card["layers"][0].update(kind="Linearr"), "did you mean Linear"),
        (lambda card: card["layers"][0].update(in_features=10**12), "in_features of layer 0 is"),
        (lambda card: card["layers"][0].update(more=1), "has "),
        (lambda card: card["layers"].pop(), "values do not fit the layers"),
        (lambda card: card["layers"][0].update(in_features=5), "columns of a sparse layer reach"),
        (lambda card: card.update(layers=[3]), "is no model"),
    ],
)
def test_damaged_models_are_refused(tmp_path, change, words):
    needs("safetensors")
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = lth.export(of_few_weights(), tmp_path / "ticket.safetensors")
    with safe_open(str(path), "pt") as file:
        card = json.loads(file.metadata()["lth_utils"])
        values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(card)
    save_file(values, path, {"lth_utils": json.dumps(card)})
    with pytest.raises(StoreError, match=words):
        lth.load_model(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError):
        lth.load_model(path)

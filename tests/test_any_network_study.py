"""The study of notebook 12: its networks, its runs, and what its figures say of them."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import lth_utils as lth
from lth_utils import plots
from lth_utils.config import SpecError, run_id
from lth_utils.connectivity.any_model.build import model_graph
from lth_utils.runs.store import Store
from lth_utils.studies import any_network, extension_sweep
from lth_utils.studies.any_network.audits import prune_to, row_of
from lth_utils.studies.any_network.parameters import Graded, Size, Trained
from lth_utils.studies.graded_curves import GROUPS, graded_curves

SMALL = Trained(
    images={"set": "mnist", "size": 7, "per_class": 20},
    width=3,
    epochs=1,
    compressions=(5, 2000),
    seeds="0",
)
TINY = {"n_samples": 100, "fresh": 200, "batch_size": 32, "patience": 3, "max_epochs": 8}


@pytest.fixture(scope="module")
def networks():
    return any_network.Networks(SMALL)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    asked = Graded(sizes=(Size((4, 8, 2), "2", "0-1", "0-1"),), nulls=2, **TINY)
    lth.sweep(asked.specs(), store, device="cpu")
    return any_network.Runs(asked, store)


def test_networks_are_audited_after_each_training(networks):
    rows = networks.audits()
    assert list(rows["compression"]) == [1, 5, 2000]
    assert list(rows["direct"].round(1))[:2] == [1.0, 5.0]
    assert (rows["effective"] >= rows["direct"]).all()
    layers = networks.layers()
    assert layers["active"].sum() == rows["active"].iloc[1]  # the last one has no path left
    assert set(layers["compression"]) == {5}


def test_attention_is_pruned_with_the_rest():
    model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    prune_to(model, "magnitude", 10)
    assert row_of(model_graph(model, torch.zeros(1, 4, 16)))["direct"] == pytest.approx(
        10, rel=0.01
    )


def test_models_keep_their_outputs_when_they_are_made_smaller(networks, runs):
    table = any_network.smaller(networks, runs)
    assert list(table["model"])[:2] == ["residual, dense", "residual, one weight in 5"]
    assert (table["difference"] < 1e-5).all() and (table["left"] <= 1).all()
    title = plots.smaller_models(table).get_suptitle().replace("\n", " ")
    assert f"{table['smaller'].max():.1f} times smaller" in title


def test_the_runs_are_those_of_notebook_03():
    shared = {run_id(spec) for spec in extension_sweep.Parameters().families()}
    own = Graded(sizes=(Size((4, 20, 2), "4", "1-5"),)).specs()
    assert {run_id(spec) for spec in own} <= shared
    with pytest.raises(SpecError, match="nulls"):
        Graded(nulls=1)


def test_curves_begin_alike_and_are_those_of_the_masks(runs):
    table = runs.curves()
    dense = table[(table["level"] == 0) & (table["measure"] == "modularity")]
    assert np.ptp(dense["value"]) < 1e-9  # a dense network is what chance draws, too
    own = table[table["group"].isin(GROUPS[:2])]
    history = runs.results.history(run_id(runs.asked.of_curves()[0]))
    ticket, level = history.ticket(1), 1
    alone = graded_curves(runs.results, [run_id(runs.asked.of_curves()[0])], 2)
    found = alone[alone["group"].isin(GROUPS[:2]) & (alone["level"] == level)]
    expected = lth.graded(ticket.masks, ticket.tasks)[0]
    for name, value in zip(found["measure"], found["value"], strict=True):
        assert value == pytest.approx(getattr(expected, name))
    assert own["runs"].max() == 4 and own["draws"].max() == 2


def test_the_figure_of_curves_says_what_its_table_says():
    rows = []
    for group, value in zip(GROUPS, (0.1, 0.2, 0.4, 0.5), strict=True):
        for level in range(3):
            for measure in ("lambda2", "n_cut", "modularity", "purity", "block_share"):
                about = {"group": group, "level": level, "measure": measure, "runs": 9, "draws": 5}
                interval = {"value_low": value - 0.1, "value_high": value + 0.1}
                rows.append(about | {"value": value} | interval)
    figure = plots.graded_curves(pd.DataFrame(rows), "small")
    title = figure.get_suptitle().replace("\n", " ")
    assert "at level 2, λ₂ of networks that never separate is 0.200" in title
    assert "0.500" in title
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert words[0] == "separates later (9 runs)" and len(words) == 4


def test_facts_say_nothing_where_no_run_separates(networks, runs):
    announced = runs.announced()
    assert announced["auc"].isna().all()
    audited = networks.audits().assign(model="residual")
    smaller = pd.DataFrame([{"smaller": 2.0, "difference": torch.finfo().eps}])
    facts = any_network.facts(audited, networks.audits(), smaller, announced, n_runs=5)
    assert facts["lambda2_auc_one_level_ahead"] is None and facts["most_times_smaller"] == 2

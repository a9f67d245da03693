"""What announces a separation is found where it was planted, and nothing where it was not."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import lth_utils as lth
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, run_id
from lth_utils.plots.graded_structure import announced
from lth_utils.runs.store import Store
from lth_utils.studies import graded_structure, smaller_models
from lth_utils.studies.graded_structure import SIGNS, announcements, graded_levels


def made_up(effect, draws=6, seeds=8):
    """Runs of which every other one separates at level 5, and has less of everything before."""
    stream, rows = np.random.default_rng(0), []
    for draw in range(draws):
        for seed in range(seeds):
            separates = seed % 2 == 0
            for level in range(7):
                status = "separated" if separates and level >= 5 else "interconnected"
                values = {}
                for name, sign in SIGNS.items():
                    values[name] = stream.standard_normal() + sign * effect * separates
                about = ["4-8-8-2", 9, draw, level, status]
                rows.append(
                    {
                        "run": f"{draw}-{seed}",
                        **dict(zip(graded_structure.ABOUT[1:], about, strict=True)),
                        **values,
                    }
                )
    return pd.DataFrame(rows)


def test_what_was_planted_is_found_at_every_horizon_and_nothing_else():
    found = announcements(made_up(effect=3), horizons=(1, 2, 3, 6))
    near = found[found["horizon"] < 6]
    assert (near["auc"] > 0.9).all() and (near["auc_low"].fillna(1) > 0.6).all()
    assert set(near["separating"]) == {24} and set(near["pairs"]) == {6 * 16}
    assert found.loc[found["horizon"] == 6, "pairs"].eq(0).all()
    none = announcements(made_up(effect=0), horizons=(1, 2, 3))
    inside = (none["auc_low"] <= 0.5) & (none["auc_high"] >= 0.5)
    assert inside.mean() > 0.8
    by_base = announcements(made_up(effect=3), horizons=(1,), by=["base"])
    assert set(by_base["base"]) == {"4-8-8-2"} and len(by_base) == len(SIGNS)


def test_levels_later_than_a_separation_are_no_evidence():
    table = made_up(effect=3)
    later = table["level"] == 6
    changed = table.assign(lambda2=table["lambda2"].where(~later, 1e9))
    same = announcements(changed)[["auc", "pairs"]]
    assert same.equals(announcements(table)[["auc", "pairs"]])


def test_the_title_is_computed_from_the_table():
    figure = announced(announcements(made_up(effect=3), horizons=(1, 2, 3)))
    title = figure.get_suptitle().replace("\n", " ")
    assert title.startswith("Graded structure announces a separation 3 levels ahead (")
    assert "6 draws of the points" in figure.get_supxlabel()
    empty = announced(announcements(made_up(effect=3), horizons=(6,)))
    assert "Too few runs" in empty.get_suptitle()
    flat = announced(announcements(made_up(effect=0), horizons=(1,)).assign(auc_low=0.4))
    assert "not even one level ahead" in flat.get_suptitle().replace("\n", " ")


def test_runs_are_measured_at_their_last_levels(tmp_path):
    spec = RunSpec(
        lth.data.spec("moons_circles", n_samples=96),
        base=(4, 8, 8, 2),
        train=TrainSpec(max_epochs=2, batch_size=40),
        prune=PruneSpec(rate=0.4, levels=4),
    )
    store = Store(tmp_path)
    lth.sweep([spec], store, device="cpu")
    table = graded_levels(store, [run_id(spec)], last=3, nulls=3)
    assert table["level"].tolist() == [
        level for level in (1, 2, 3, 4) if level <= table["level"].max()
    ]
    ticket = store.ticket(run_id(spec), 2)
    expected = lth.graded(ticket.masks, ticket.tasks)[0]
    row = table[table["level"] == 2].iloc[0]
    for name in ("lambda2", "n_cut", "modularity", "purity", "block_share"):
        assert row[name] == pytest.approx(getattr(expected, name))
    assert table.equals(graded_levels(store, [run_id(spec)], last=3, nulls=3))
    with pytest.raises(SpecError, match="2 or more"):
        graded_levels(store, [run_id(spec)], nulls=1)


def test_smaller_models_are_compared():
    model = nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 3)).eval()
    model[0].weight.data[torch.rand(200, 300, generator=torch.manual_seed(0)) < 0.995] = 0
    x = torch.randn(4, 300)
    row = smaller_models.compared({"own": (model, lth.compact(model))}, {"own": x}).iloc[0]
    assert row["smaller"] > 5 and row["left"] < 0.1 and row["difference"] < 1e-6
    assert row["nonzero_after"] <= row["nonzero_before"] and row["microseconds_after"] > 0

"""Verdicts on made-up tables are the same from the package and from the recomputation."""

import io

import made_up_tables
import numpy as np
import pandas as pd
import pytest
import recomputed as again
import test_kept_verdicts as kept

from lth_utils.studies import controls_and_dials, groups, hidden_structure, other_sparsifiers

TABLES = {
    "09_controls_and_dials": made_up_tables.controls,
    "10_hidden_structure": made_up_tables.hidden,
    "11_other_sparsifiers": made_up_tables.sparsifiers,
}
NUMBERS = iter(range(100))


def of_09(asked, found, transplants):
    drops = controls_and_dials.accuracy_drops(transplants)
    return controls_and_dials.verdicts(found, drops)


def of_10(asked, found, scores, **others):
    return hidden_structure.verdicts(found, scores, asked.examples, **others)


def of_11(asked, levels, anchors, images, channels, layers):
    study = other_sparsifiers
    points = study.points(levels, asked.toy.groups(), asked.toy.least)
    pictures = study.images(images, asked.images.groups())
    status = groups.label_rows(channels, asked.convolutions.groups(), "way")
    parts = study.on_points(points), study.on_compression(anchors), study.on_images(pictures)
    return study.verdicts(*parts, study.on_layers(layers, status))


VERDICTS = {"09_controls_and_dials": of_09, "10_hidden_structure": of_10}
VERDICTS["11_other_sparsifiers"] = of_11


def made_up(notebook, lean, like, monkeypatch, folder):
    """The name of a set with made-up tables, and the package's verdicts on them as they are kept.

    What was read of a set is remembered by its name, so that each has another.
    """
    asked, name = again.asked(like, notebook), f"{like}, made up {next(NUMBERS)}"
    tables = TABLES[notebook](asked, lean, np.random.default_rng(5))
    monkeypatch.setattr(again, "OUTPUTS", folder)
    monkeypatch.setattr(again, "asked", lambda set_name, notebook: asked)
    (folder / name / "tables").mkdir(parents=True)
    for key, table in tables.items():
        path = folder / name / "tables" / f"{notebook}-{key}.csv"
        table.to_csv(path, index=False, float_format="%.6g")
        tables[key] = again.table(name, f"{notebook}-{key}")
    rows = VERDICTS[notebook](asked, **tables).to_csv(index=False, float_format="%.6g")
    return name, pd.read_csv(io.StringIO(rows), dtype={"claim": str})


CASES = [("extended", 0.6), ("thesis", 0.0), ("thesis", 1.0), ("quick", 0.6)]


@pytest.mark.parametrize(("like", "lean"), CASES)
@pytest.mark.parametrize("notebook", TABLES)
def test_two_ways_to_a_verdict_agree(notebook, like, lean, monkeypatch, tmp_path):
    name, rows = made_up(notebook, lean, like, monkeypatch, tmp_path)
    for _, row in rows.iterrows():
        kept.check_rule(row)
        kept.check_numbers(row, kept.recompute(name, row["statement"]))
    claims = [own for table, own in kept.CLAIMS.items() if table.startswith(notebook)]
    assert set(rows["claim"]) == set(claims[0])
    if like == "thesis":
        assert ("differs" if lean == 0 else "agrees") in set(rows["verdict"])

"""Notebook 05: its runs are those of notebook 01."""

from conftest import ROOT
from made_up import family

from lth_utils import config
from lth_utils.studies import outcomes, ticket_explorer, toy_data


def test_nothing_is_trained_twice():
    for folder in (ROOT / "parameters").iterdir():
        asked = []
        for study, name in ((toy_data, "01_toy_data"), (ticket_explorer, "05_ticket_explorer")):
            values = config.read(folder / f"{name}.yaml")
            values.pop("device", None)
            asked.append(study.Parameters(**values).specs())
        assert asked[0] == asked[1]


def test_facts_say_how_much_there_is_to_explore():
    table = family("4-8-8-2", {(9, "separated"): 2, (9, "degraded"): 1})
    facts = ticket_explorer.facts(table, outcomes.outcomes(table), {"words": "level 1"})
    assert (facts["runs"], facts["networks"], facts["separated"]) == (3, len(table), 2)
    assert facts["headline"] == f"3 runs, {len(table)} networks to explore; the view: level 1"

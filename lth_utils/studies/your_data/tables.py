"""Tables of a study, for figures and pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec, run_id
from lth_utils.data.tasks import tasks_from_plain, tasks_to_plain
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.your_data.findings import (
    Findings,
    Found,
    bits,
    look,
    matrix,
    together_with,
)
from lth_utils.studies.your_data.plan import Asked


def found_table(questions: Sequence[Asked], store: Store, tolerance: float = 0.02) -> pd.DataFrame:
    """What each run of several studies found, in columns of plain values.

    Args:
        questions: the studies.
        store: of the runs.
        tolerance: see :func:`~lth_utils.studies.your_data.findings.find`.

    Returns:
        A row per run, which :func:`findings_of` reads; the tasks and the names of the inputs stand
        in the first row of each data set.
    """
    rows = []
    for asked in questions:
        tasks = json.dumps(tasks_to_plain(asked.data.tasks))
        names = json.dumps(asked.data.input_names)
        for control, specs in (("networks", asked.runs), ("shuffled labels", asked.controls)):
            for spec in specs:
                found = look(spec, store.history(run_id(spec)), tolerance)
                row = {"data": asked.title, "control": control, "tasks": tasks, "names": names}
                tasks = names = ""  # said once for each data set
                for name in ("run", "level", "weights", "status", "watched"):
                    row[name] = getattr(found, name)
                row["together"], row["inputs"] = bits(found.together), bits(found.inputs)
                row["dense"] = json.dumps(found.dense.round(6).tolist())
                row["score"] = json.dumps(found.score.round(6).tolist())
                row["random"] = json.dumps(found.random)
                rows.append(row)
    return pd.DataFrame(rows)


def findings_of(table: pd.DataFrame) -> dict[str, Findings]:
    """What each study found, by the title of its data; table: of :func:`found_table`."""
    findings = {}
    for title, own in table.groupby("data", sort=False):
        found: dict[str, list[Found]] = {"networks": [], "shuffled labels": []}
        for row in own.to_dict("records"):
            run = Found(
                run=row["run"],
                level=row["level"],
                weights=row["weights"],
                status=row["status"],
                together=matrix(row["together"]),
                inputs=matrix(row["inputs"]),
                watched=row["watched"],
                dense=np.array(json.loads(row["dense"])),
                score=np.array(json.loads(row["score"])),
                random=json.loads(row["random"]),
            )
            found[row["control"]].append(run)
        tasks = tasks_from_plain(json.loads(own["tasks"].iloc[0]))
        names = json.loads(own["names"].iloc[0])
        findings[str(title)] = together_with(
            found["networks"], found["shuffled labels"], tasks, names
        )
    return findings


def score_curves(
    store: Store, specs: Sequence[RunSpec], found: Findings, name: str
) -> pd.DataFrame:
    """Each task's mean score over the weights left.

    Args:
        store: of the runs.
        specs: the runs.
        found: what they say.
        name: of the data set.

    Returns:
        ``data, task, kind, available, score, score_low, score_high, n, dense, chosen``: the mean
        over the runs that reach so few weights with its interval, the dense networks' mean, and
        how many runs were looked at there.
    """
    levels = store.table(specs)
    chosen = pd.Series([run.weights for run in found.runs]).value_counts()
    rows = []
    for task in found.tasks:
        column = f"{task.score_name}_{task.name}"
        dense = levels.loc[levels["level"] == 0, column].mean()
        for available, own in levels.groupby("available", sort=False):
            estimate = statistics.mean_interval(own[column])
            rows.append(
                {
                    "data": name,
                    "task": task.name,
                    "kind": "score (R²)" if task.score_name == "score" else "accuracy",
                    "available": available,
                    **statistics.columns("score", estimate),
                    "n": len(own),
                    "dense": dense,
                    "chosen": int(chosen.get(available, 0)),
                }
            )
    return pd.DataFrame(rows)


def control_shares(found: Findings, name: str) -> pd.DataFrame:
    """How often the tasks are apart as found: ``data, control, share, …, n``."""
    counts = {"networks": (found.agreeing, len(found.runs)), "random masks": found.random}
    if found.shuffled is not None:
        counts["shuffled labels"] = found.shuffled
    rows = []
    for control, (count, n) in counts.items():
        estimate = statistics.columns("share", statistics.share(count, n))
        rows.append({"data": name, "control": control, "count": count, **estimate, "n": n})
    return pd.DataFrame(rows)


def all_curves(
    questions: Sequence[Asked], store: Store, findings: Mapping[str, Findings]
) -> pd.DataFrame:
    """:func:`score_curves` of several studies; findings: by the titles of their data."""
    tables = [score_curves(store, a.runs, findings[a.title], a.title) for a in questions]
    return pd.concat(tables, ignore_index=True)


def all_controls(findings: Mapping[str, Findings]) -> pd.DataFrame:
    """:func:`control_shares` of several studies."""
    tables = [control_shares(found, title) for title, found in findings.items()]
    return pd.concat(tables, ignore_index=True)

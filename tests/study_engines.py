"""Do the engines agree?  python tests/study_engines.py [seeds]

Runs the same seeds of 4-57-57-2 through each CPU engine and compares the final statistics, and how
far the masks of single seeds agree level by level (rounding grows with every step, so late levels
of one seed differ while the statistics must not).  Writes ``engines.csv`` and ``engines-masks.csv``
to ``outputs/thesis/tables``; resumes where it was stopped.
"""

import sys

import numpy as np
import pandas as pd
from scipy import stats

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, checks, expand, run_id
from lth_utils.publish import products
from lth_utils.runs import places, progress, store, sweep
from lth_utils.studies import outcomes, statistics
from lth_utils.training import batched, trainer
from lth_utils.training.sparse import members

SPEC = RunSpec(
    data.spec("moons_circles"),
    base=(4, 8, 8, 2),
    prune=PruneSpec(rate=0.32, levels=9, schedule="extension"),
)


def runs(engine, specs):
    trainer.choose_engine = lambda *_: engine.ENGINE
    results = store.Store(
        places.outputs() / "study" / {members: "sparse", batched: "dense"}[engine]
    )
    with progress.bar() as bar:
        sweep.run(specs, results, device="cpu", progress=bar)
    return results


def agreement(stores, specs):
    """Share of the available weights that both engines kept, per level: mean over the first 20 seeds."""
    rows = []
    for spec in specs[:20]:
        for level in range(10):
            try:
                masks = [
                    np.concatenate(
                        [m.flatten().numpy() for m in s.ticket(run_id(spec), level).masks]
                    )
                    for s in stores
                ]
            except checks.SpecError:  # one of them degraded and stopped earlier
                break
            rows.append((level, (masks[0] & masks[1]).sum() / masks[0].sum()))
    table = (
        pd.DataFrame(rows, columns=["level", "share"])
        .groupby("level")["share"]
        .agg(["mean", "min", "count"])
    )
    return table.reset_index()


def main():
    specs = expand(SPEC, {"seed": range(int(sys.argv[1]) if len(sys.argv) > 1 else 200)})
    stores = [runs(engine, specs) for engine in (members, batched)]
    tables = [s.table(specs) for s in stores]
    summaries = [outcomes.outcomes(t) for t in tables]
    rows = []
    for name, table, summary in zip(("sparse", "dense"), tables, summaries, strict=True):
        there = summary.dropna(subset="level")
        share, low, high = statistics.share(len(there), len(summary))
        rows.append(
            {
                "engine": name,
                "runs": len(summary),
                "separated": len(there),
                "share": share,
                "low": low,
                "high": high,
                "degraded": int((summary["outcome"] == "degraded").sum()),
                "active_mean": there["active"].mean(),
                "active_sem": there["active"].astype(float).sem(),
                "accuracy_mean": there["accuracy"].mean(),
                "epochs_mean": table["epochs"].mean(),
            }
        )
    a, b = (s.dropna(subset="level") for s in summaries)
    counts = [[len(a), len(summaries[0]) - len(a)], [len(b), len(summaries[1]) - len(b)]]
    compared = pd.DataFrame(rows).assign(
        p_share=stats.fisher_exact(counts).pvalue,
        p_active=stats.mannwhitneyu(a["active"].astype(int), b["active"].astype(int)).pvalue,
    )
    masks = agreement(stores, specs)
    for name, table in (("engines", compared), ("engines-masks", masks)):
        products.write_table("thesis", name, table.round(4))
        print(table.round(4).to_string(index=False))


if __name__ == "__main__":
    main()

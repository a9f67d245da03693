"""Do the engines agree?  python tests/study_engines.py [seeds]

Trains the same seeds of 4-57-57-2 with each CPU engine and compares the final statistics, and how
far the masks of single seeds agree at each level (rounding grows with every step, so late levels
of one seed differ while the statistics must not). Writes ``engines.csv`` and ``engines-masks.csv``
to ``outputs/thesis/tables``, and resumes where it was stopped. The batched engine is called
``dense`` there.
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
from lth_utils.training.engine import Engine
from lth_utils.training.sparse import members

SPEC = RunSpec(
    data.spec("moons_circles"),
    base=(4, 8, 8, 2),
    prune=PruneSpec(rate=0.32, levels=9, schedule="extension"),
)
ENGINES = {"sparse": members.ENGINE, "dense": batched.ENGINE}


def runs(name: str, engine: Engine, specs: list[RunSpec]) -> store.Store:
    """Train all specs with one engine."""
    trainer.choose_engine = lambda *_: engine
    results = store.Store(places.outputs() / "study" / name)
    with progress.bar() as bar:
        sweep.run(specs, results, device="cpu", progress=bar)
    return results


def flat_mask(results: store.Store, spec: RunSpec, level: int) -> np.ndarray:
    ticket = results.ticket(run_id(spec), level)
    return np.concatenate([mask.flatten().numpy() for mask in ticket.masks])


def agreement(stores: list[store.Store], specs: list[RunSpec]) -> pd.DataFrame:
    """Share of the available weights that both engines kept, per level, over 20 seeds."""
    rows = []
    for spec in specs[:20]:
        for level in range(10):
            try:
                first, second = [flat_mask(results, spec, level) for results in stores]
            except checks.SpecError:  # one of them degraded and stopped earlier
                break
            rows.append((level, (first & second).sum() / first.sum()))
    table = pd.DataFrame(rows, columns=["level", "share"])
    return table.groupby("level")["share"].agg(["mean", "min", "count"]).reset_index()


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    specs = expand(SPEC, {"seed": range(seeds)})
    stores = [runs(name, engine, specs) for name, engine in ENGINES.items()]
    tables = [results.table(specs) for results in stores]
    summaries = [outcomes.outcomes(table) for table in tables]
    rows = []
    for name, table, summary in zip(ENGINES, tables, summaries, strict=True):
        separated = summary.dropna(subset="level")
        share, low, high = statistics.share(len(separated), len(summary))
        rows.append(
            {
                "engine": name,
                "runs": len(summary),
                "separated": len(separated),
                "share": share,
                "low": low,
                "high": high,
                "degraded": int((summary["outcome"] == "degraded").sum()),
                "active_mean": separated["active"].mean(),
                "active_sem": separated["active"].astype(float).sem(),
                "accuracy_mean": separated["accuracy"].mean(),
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

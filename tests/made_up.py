"""Made-up tables whose answers are known, for the tests of the studies."""

import itertools

import numpy as np
import pandas as pd

from lth_utils.studies import trials

STORY = {
    "interconnected": ["interconnected"] * 3,
    "separated": ["interconnected", "separated", "separated"],
    "separated-degraded": ["interconnected", "separated", "degraded"],
    "degraded": ["interconnected", "degraded"],
}


KEYS = ["network", "variant", "rounds", "available"]


def family(base, counts, active=100.0, loss=0.003, draws=1):
    """Level rows of runs with known outcomes; counts: runs by (extension level, outcome).

    Runs of one outcome are dealt out to the draws of the data.
    """
    rows, seed = [], itertools.count()
    for (extension, word), n in counts.items():
        for i in range(n):
            s = next(seed)
            for level, status in enumerate(STORY[word]):
                rows.append(
                    {
                        "run": f"{base}-{extension}-{s}",
                        "base": base,
                        "prune.levels": extension,
                        "data.seed": i % draws,
                        "seed": s,
                        "level": level,
                        "available": 1000 // 3**level,
                        "active": active,
                        "status": status,
                        "accuracy": 0.99,
                        "loss": loss if status == "separated" else 0.01,
                    }
                )
    return pd.DataFrame(rows)


def verdict(found, text):
    return found[found["statement"].str.contains(text, regex=False)].iloc[0]


RUNS = ["run", "network", "extension", "draw", "outcome", "level", "available", "active"]
RUNS += ["available_end", "active_end"]


def ran(network, counts, draws=20, /, **columns):
    """Runs as ``outcomes.outcomes``, as :func:`family` deals them out; columns: others' values."""
    rows = []
    for (extension, word), n in counts.items():
        for i in range(n):
            apart = 1 if word.startswith("separated") else pd.NA
            about = (f"{network}-{extension}-{word}-{i}", network, extension, i % draws, word)
            rows.append((*about, apart, 112, 100 + i % 5, 112, 90))
    table = pd.DataFrame(rows, columns=RUNS)
    table = table.astype({"level": "Int64", "available": "Int64", "active": "Int64"})
    return table.assign(**columns)


def cells(shares, seeds=20, draws=1):
    rows = [
        {
            "run": f"{w}-{n}-{s}",
            "width": w,
            "levels": n,
            "draw": s % draws,
            "outcome": "separated" if s < round(share * seeds) else "interconnected",
        }
        for (w, n), share in shares.items()
        for s in range(seeds)
    ]
    table = pd.DataFrame(rows)
    weights = 6 * table["width"] + table["width"] ** 2
    return table.assign(rate=1 - (112 / weights) ** (1 / table["levels"]), loss=0.01)


def curves(accuracies, seeds=4, epochs=5, noise=0.001, rounds=6):
    """Runs whose accuracy climbs to its end; the test loss is lowest one epoch before it."""
    rng, rows = np.random.default_rng(0), []
    for variant, top in accuracies.items():
        n, available = (0, 1000) if variant == "full" else (rounds, 100)
        for seed in range(seeds):
            shift = rng.normal(0, noise)
            about = {
                "network": "mnist",
                "variant": variant,
                "rounds": n,
                "available": available,
                "seed": seed,
                "run": f"{variant}-{seed}",
            }
            rows += [
                {
                    **about,
                    "level": 0,
                    "epoch": e,
                    "accuracy": top - 0.1 * (epochs - e) + shift,
                    "loss": 1 + abs(e - (epochs - 1)),
                    "train_loss": 1 / e,
                }
                for e in range(1, epochs + 1)
            ]
    return pd.DataFrame(rows)


def sizes(one_shot, iterative=0.0):
    rows = []
    for scope in ("global", "layer"):
        for method, drop in (
            ("iterative", iterative),
            ("one-shot", one_shot),
            ("fresh initialisation", 0.1),
        ):
            for available in (1000, 90, 40):
                rows += [
                    {
                        "scope": scope,
                        "method": method,
                        "available": available,
                        "seed": s,
                        "run": f"{scope}{method}{s}",
                        "level": 0,
                        "early_accuracy": 0.9
                        - drop * (available < 1000)
                        + 0.001 * np.sin(s + available + len(method)),
                        "final_accuracy": 0.8,
                    }
                    for s in range(5)
                ]
    return trials.melt_accuracies(pd.DataFrame(rows), {"early_accuracy": "early"}).assign(
        share=lambda t: t["available"] / 1000
    )


def toy(counts, runs=20, draws=2):
    """Level rows of runs by method, the first so many of which separate; draws take turns."""
    return pd.DataFrame(
        [
            {
                "method": method,
                "run": f"{method}{n}",
                "data.seed": n % draws,
                "available": a,
                "apart": bool(a == 50 and n < k),
            }
            for method, k in counts.items()
            for n in range(runs)
            for a in (100, 50)
        ]
    )

"""Made-up kept tables of notebooks 09 to 11, as large as those of the extended set.

Outcomes are random numbers. `lean` says how far they go with the story: 1 all the way, 0 against.
"""

import numpy as np
import pandas as pd

from lth_utils.config import run_id

METHODS = ("tickets", "gradients", "dense path weights", "group lasso", "mutual information")


def hits(stream, share, draws):
    """Whether each run is of a kind, where draws differ a little."""
    shares = {draw: share * stream.normal(1, 0.1) for draw in sorted(set(draws))}
    return stream.random(len(draws)) < np.array([shares[draw] for draw in draws])


# notebook 09


def controls(asked, lean, stream):
    """The tables ``found`` and ``transplants``."""
    parts = []
    for (dial, points, value), specs in asked.groups().items():
        turned = value / 45 if dial == "rotation" else value
        parts_them = (dial in ("dependence", "rotation") and turned == 0) or dial == "overlap"
        own = pd.DataFrame({"dial": dial, "n_samples": points, "value": value}, range(len(specs)))
        own["run"] = [run_id(spec) for spec in specs]
        own["draw"] = [dict(spec.data.options)["seed"] for spec in specs]
        own["apart"] = hits(stream, 0.7 if parts_them else 0.4 * (1 - lean), own["draw"])
        own["no_common"] = own["apart"]
        dropped = stream.random(len(own)) < lean
        own["lost"] = np.where(dropped, dial.removesuffix(" shuffled"), "nothing")
        own["excess"] = 0.4 - lean * 0.3 * turned + stream.normal(0, 0.05, len(own))
        own.loc[stream.random(len(own)) < 0.05, "excess"] = np.nan
        own["excess_degrees"], own["index"], own["apart_at"] = own["excess"], 0.5, 9
        parts.append(own)
    found = pd.concat(parts, ignore_index=True)
    return {"found": found, "transplants": transplants(found, lean, stream)}


def transplants(found, lean, stream):
    pair = found.query("dial == 'dependence' and n_samples == 1000 and value == 0 and apart")
    names = ["its own data", "another draw", "tasks swapped", "inputs across the blocks"]
    parts = []
    for name in [*names, "mask shuffled in each layer"]:
        drop = 0.0 if name in names[:2] else 0.1 * lean
        own = pair[["run", "draw"]].assign(level=9, transplant=name)
        own["accuracy"] = 0.99 - drop + stream.normal(0, 0.005, len(own))
        parts.append(own.assign(worse=own["accuracy"] - 0.01))
    return pd.concat(parts)


# notebook 10


def hidden(asked, lean, stream):
    """The tables ``found``, ``scores``, ``many``, ``unequal`` and ``inner``."""
    found, scores = [], []
    for question in asked.questions():
        about = {"bank": question.bank, "condition": question.condition.title}
        about["draw"] = question.draw
        for method in METHODS:
            near = lean if method == "tickets" else 0.5
            near = 1.0 if stream.random() < near else stream.normal(near / 2, 0.1)
            found.append({"method": method, **about, "index": near, "exact": int(near == 1)})
        for run in question.runs:
            dense = stream.normal(0.7, 0.02)
            ticket = dense + 0.1 * (lean - 0.5) + stream.normal(0, 0.01)
            scores.append({**about, "run": run_id(run), "dense": dense, "ticket": ticket})
    tables = {"found": pd.DataFrame(found), "scores": pd.DataFrame(scores)}
    return tables | {
        "many": many(asked, lean, stream),
        "unequal": unequal(asked, lean, stream),
        "inner": inner(asked, lean, stream),
    }


def many(asked, lean, stream):
    rows = []
    for run in asked.many_runs():
        options = dict(run.data.options)
        for level in range(3):
            row = {"k": options["k"], "draw": options["seed"], "run": run_id(run), "level": level}
            near = 1.0 if stream.random() < lean else stream.normal(lean / 2, 0.1)
            row |= {"index": near, "null": stream.normal(0, 0.02), "chosen": level == 1}
            rows.append(row)
    return pd.DataFrame(rows)


def unequal(asked, lean, stream):
    rows = []
    for run in asked.unequal_runs():
        options = dict(run.data.options)
        row = {name: options[name] for name in ("noise", "weight", "inputs", "distractors")}
        row |= {"draw": options["seed"], "run": run_id(run)}
        more = 0.2 * (lean - 0.5) * (1 if options["inputs"] == 8 else -1)
        row["share"] = 0.5 + more + stream.normal(0, 0.02) if stream.random() < 0.9 else np.nan
        row["lost"] = stream.choice(["second", "never learned", "first", "none", "both"])
        rows.append(row | ({"lost": "second"} if stream.random() < lean else {}))
    return pd.DataFrame(rows)


def inner(asked, lean, stream):
    rows = []
    for run in asked.gate_runs():
        options = dict(run.data.options)
        row = {"overlap": options["overlap"], "reuse": options["reuse"]}
        row |= {"draw": options["seed"], "run": run_id(run), "null_found": 0.0}
        row["found"] = int(stream.random() < lean)
        rows.append({**row, "pure": 1.0 if row["found"] else 0.6})
    return pd.DataFrame(rows)


# notebook 11


def sparsifiers(asked, lean, stream):
    """The tables ``levels``, ``anchors``, ``images``, ``channels`` and ``layers``."""
    tables = {"levels": toys(asked.toy, lean, stream)}
    tables["anchors"] = anchors(asked.anchors, lean, stream)
    tables["images"] = pictures(asked.images, lean, stream)
    tables |= channels(asked.convolutions, lean, stream)
    return tables


def toys(asked, lean, stream):
    shares = {way: stream.uniform(0, 0.8 * (1 - lean) + 0.1) for way in asked.ways}
    shares |= {"tickets": 0.8, "one-shot": 0.8}
    for way in {"SynFlow", "random", "magnitude"} & set(shares):
        shares[way] *= 1 - lean
    parts = []
    for way, specs in asked.groups().items():
        for spec in specs:
            counts = asked.counts()
            if spec.prune.target:  # a mask that changes in training: dense, then its size
                counts = [counts[0], spec.prune.target]
            own = pd.DataFrame({"level": range(len(counts)), "available": counts})
            own["data.seed"] = dict(spec.data.options)["seed"]
            apart = (own["available"] <= counts[-1]) & (stream.random(len(own)) < shares[way])
            own["status"] = np.where(apart, "separated", "interconnected")
            own["active"] = own["available"] - 3
            own["accuracy_circles"] = np.where(stream.random(len(own)) < 0.1, 0.6, 0.99)
            own["accuracy_moons"] = 0.98
            own["accuracy"] = (own["accuracy_circles"] + own["accuracy_moons"]) / 2
            parts.append(own.assign(run=run_id(spec), seed=spec.seed))
    return pd.concat(parts, ignore_index=True)


def anchors(asked, lean, stream):
    rows = []
    for way in asked.ways:
        for compression in asked.compressions:
            for seed in asked.seeds:
                gone = stream.random() < (compression / 1000 if compression < 5000 else 1) * 0.8
                effective = compression * (1 + (1 - lean) * stream.random())
                row = {"way": way, "compression": compression, "seed": seed, "dead": gone}
                rows.append({**row, "effective": np.inf if gone else effective})
    return pd.DataFrame(rows)


def pictures(asked, lean, stream):
    parts = []
    for way, specs in asked.groups().items():
        for spec in specs:
            own = pd.DataFrame({"level": range(len(asked.counts())), "available": asked.counts()})
            kept = stream.uniform(0.3, 1) if way.startswith("random") else 1
            own["active"] = (own["available"] * kept ** own["level"]).astype(int)
            own.loc[own["level"] > stream.integers(4, 9), "active"] = 0
            slope = 0.05 + 0.05 * lean * way.startswith("random")
            own["accuracy"] = 0.98 - slope * own["level"] ** 0.5 + stream.normal(0, 0.003, len(own))
            parts.append(own.assign(run=run_id(spec), seed=spec.seed))
    return pd.concat(parts, ignore_index=True)


def channels(asked, lean, stream):
    levels, layers = [], []
    for way, specs in asked.groups().items():
        for spec in specs:
            run, dies = run_id(spec), 12 if way == "tickets" else stream.integers(4, 12)
            apart = stream.random() < (0.7 if way == "tickets" else 0.3 * (1 - lean))
            for level in range(asked.levels + 1):
                status = "separated" if apart and level > 8 else "interconnected"
                about = {"run": run, "level": level}
                levels.append({**about, "seed": spec.seed, "status": status})
                for layer in range(4):
                    share = 0.05 * level + 0.1 * lean * (layer == 3) * (way == "tickets")
                    share = share + stream.normal(0, 0.02) if level < dies else np.nan
                    layers.append({"way": way, **about, "layer": layer, "decided": share})
    return {"channels": pd.DataFrame(levels), "layers": pd.DataFrame(layers)}

"""What making a model smaller gains: size, time, and that its outputs stay the same."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

CALLS = 300
"""How often a model is called to time it, after a tenth as many calls to warm up."""


def compared(pairs: Mapping[str, tuple[nn.Module, nn.Module]], examples: Mapping[str, Tensor]):
    """Models before and after ``lth.compact``.

    Args:
        pairs: by name the model and the smaller one, both in eval mode.
        examples: by name inputs ``[B, ...]``, at least one; the first alone is timed.

    Returns:
        A data frame of one row per model: parameters, those that are not zero, bytes of the
        ``state_dict`` as a file and microseconds for one example (the median), each before and
        after, what remains of the parameters as ``left``, how many times ``smaller`` and
        ``faster``, and the largest ``difference`` of an output as a share of the largest output.
    """
    rows = []
    for name, (before, after) in pairs.items():
        x = examples[name]
        row = {"model": name}
        for when, model in (("before", before), ("after", after)):
            values = list(model.parameters())
            row[f"parameters_{when}"] = sum(v.numel() for v in values)
            row[f"nonzero_{when}"] = sum(int(v.count_nonzero()) for v in values)
            row[f"bytes_{when}"] = _bytes(model)
            row[f"microseconds_{when}"] = _microseconds(model, x[:1])
        with torch.no_grad():
            expected, found = before(x), after(x)
        row["difference"] = float((expected - found).abs().max() / expected.abs().max())
        row["left"] = row["parameters_after"] / row["parameters_before"]
        row["smaller"] = row["bytes_before"] / row["bytes_after"]
        row["faster"] = row["microseconds_before"] / row["microseconds_after"]
        rows.append(row)
    return pd.DataFrame(rows)


def _bytes(model: nn.Module) -> int:
    """The size of a model's ``state_dict`` as a file."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.tell()


def _microseconds(model: nn.Module, example: Tensor) -> float:
    """The median time of a call."""
    times = []
    with torch.inference_mode():
        for n in range(CALLS + CALLS // 10):
            began = time.perf_counter()
            model(example)
            if n >= CALLS // 10:
                times.append(time.perf_counter() - began)
    return 1e6 * float(np.median(times))

"""Standardisation, fitted on the training split."""

from __future__ import annotations

import numpy as np


def standardise(
    x_train: np.ndarray, x_test: np.ndarray, whole: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Both halves float32 with zero mean and unit variance per feature, fitted on train; constant features become zero.

    whole: one mean and one variance for all features together.
    """
    scaled = tuple(np.empty(x.shape, np.float32) for x in (x_train, x_test))
    parts = [
        slice(start, start + 64) for start in range(0, x_train.shape[1], 64)
    ]  # all of them in double precision would fill the memory
    moments = [(x_train[:, some].mean(0), x_train[:, some].std(0)) for some in parts]
    if whole:
        means, scales = (np.concatenate(m) for m in zip(*moments, strict=True))
        mean, scale = means.mean(), np.sqrt((scales**2 + means**2).mean() - means.mean() ** 2)
        moments = [(mean, scale)] * len(parts)
    for some, (mean, scale) in zip(parts, moments, strict=True):
        varies = scale > 0
        for x, out in zip((x_train, x_test), scaled, strict=True):
            out[:, some] = np.where(varies, (x[:, some] - mean) / np.where(varies, scale, 1.0), 0.0)
    return scaled

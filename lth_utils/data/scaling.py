"""Standardisation, fitted on the training split."""

from __future__ import annotations

import numpy as np


def standardise(
    x_train: np.ndarray, x_test: np.ndarray, whole: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Both splits with zero mean and unit variance, as the training split has them.

    Args:
        x_train: ``[B, I]``, of any type of number.
        x_test: ``[B, I]``.
        whole: one mean and one variance for all features together, rather than for each.

    Returns:
        Both as float32; a feature that is constant in training becomes zero.
    """
    scaled = np.empty(x_train.shape, np.float32), np.empty(x_test.shape, np.float32)
    # feature by feature: all of them in double precision would fill the memory
    parts = [slice(start, start + 64) for start in range(0, x_train.shape[1], 64)]
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

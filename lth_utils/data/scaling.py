"""Standardisation, fitted on the training split."""

from __future__ import annotations

import numpy as np


def standardise(
    x_train: np.ndarray, x_test: np.ndarray, whole: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Both splits with zero mean and unit variance, as the training split has them.

    Args:
        x_train: ``[B, I]``, of any type of number.
        x_test: ``[B, I]``, of any type of number; its B may differ.
        whole: one mean and one variance for all features together, rather than for each.

    Returns:
        Both as float32 ``[B, I]``. A feature that is constant in training becomes zero.
    """
    n_features = x_train.shape[1]
    # 64 features at a time: all of them in double precision would fill the memory
    blocks = [slice(start, start + 64) for start in range(0, max(1, n_features), 64)]
    means = np.concatenate([x_train[:, block].mean(0) for block in blocks])
    deviations = np.concatenate([x_train[:, block].std(0) for block in blocks])
    if whole:
        variance = (deviations**2 + means**2).mean() - means.mean() ** 2
        means = np.full(n_features, means.mean())
        deviations = np.full(n_features, np.sqrt(variance))
    varies = deviations > 0
    divisors = np.where(varies, deviations, 1.0)
    scaled_train = np.empty(x_train.shape, np.float32)
    scaled_test = np.empty(x_test.shape, np.float32)
    for block in blocks:
        for x, scaled in ((x_train, scaled_train), (x_test, scaled_test)):
            z = (x[:, block] - means[block]) / divisors[block]
            scaled[:, block] = np.where(varies[block], z, 0.0)
    return scaled_train, scaled_test

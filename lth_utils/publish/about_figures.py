"""What figures are called, and which claims they bear on."""

from __future__ import annotations

TITLES = {
    "data": "Two unrelated tasks",
    "parameter-states": "Active, inactive and zombie weights",
    "dense-network": "The network before pruning",
    "imp-levels": "One network, level after level",
    "independent-tickets": "What is left: two networks",
    "performance-one-size": "The loss of networks of one size",
    "samples": "A digit and a garment",
    "pixel-statistics": "Where pixels vary",
    "accuracy": "The accuracy of image networks",
    "task-accuracy": "The accuracy of each task",
    "accuracy-differences": "Why ours are more accurate",
    "input-connectivity": "The pixels that stay connected",
    "pixel-correlation": "Do the weights follow the pixels?",
    "frontier": "Separation and accuracy, method by method",
    "separation-cost": "What separation costs",
    "trajectory": "How many prunings lead back",
    "outcomes": "Who separates, and who degrades",
    "split-count": "How many two-layer networks separate",
    "active-share": "How many of the weights are active",
    "inactive-zombie": "Weights that lead nowhere or come from nowhere",
    "weights-at-separation": "How many weights are left at separation",
    "performance": "The loss of separated networks",
    "performance-poster": "The same on inputs from 0 to 1",
    "layer-separation": "Which layer decides first",
    "which-layer-is-lost": "Why wide one-layer networks stop separating",
    "layer-collapse": "When a layer is lost, computed beforehand",
    "size-or-levels": "The size, or the number of prunings?",
    "twenty-levels": "All sizes, pruned equally often",
    "how-many-levels": "Few harsh prunings, or many gentle ones",
    "explorer-view": "One ticket and what it computes",
    "training-curves": "Tickets trained again",
    "summary": "Mask, distribution, signs or values?",
    "weight-histograms": "The weights before and after training",
    "one-shot-or-iterative": "All at once, or in rounds",
    "rounds-to-target": "More and more rounds",
    "one-shot-separation": "Does one-shot pruning separate?",
    "found-partition": "Which tasks hang together",
    "more-than-chance": "More often than chance",
    "score-over-weights": "How good fewer weights are",
    "best-tickets": "The best ticket of each data set",
}
"""Titles for people, by the figure's key."""

CLAIMS = {
    "independent-tickets": ("1",),
    "performance-one-size": ("4",),
    "accuracy": ("7",),
    "task-accuracy": ("7",),
    "accuracy-differences": ("7",),
    "input-connectivity": ("7",),
    "pixel-correlation": ("7",),
    "frontier": ("7",),
    "separation-cost": ("7",),
    "outcomes": ("1", "5"),
    "split-count": ("1",),
    "active-share": ("2",),
    "inactive-zombie": ("2",),
    "weights-at-separation": ("2",),
    "performance": ("4",),
    "performance-poster": ("4",),
    "layer-separation": ("6",),
    "which-layer-is-lost": ("5",),
    "layer-collapse": ("5",),
    "size-or-levels": ("3",),
    "twenty-levels": ("3",),
    "how-many-levels": ("3",),
    "training-curves": ("8",),
    "summary": ("8",),
    "one-shot-or-iterative": ("9",),
    "rounds-to-target": ("9",),
    "one-shot-separation": ("9",),
}
"""The thesis' claims, as they are numbered in the table of verdicts, that a figure bears on."""


def title_of(key: str) -> str:
    """A figure's title; one that has none is called by its key in words.

    >>> title_of("outcomes"), title_of("a-new-figure")
    ('Who separates, and who degrades', 'A new figure')
    """
    return TITLES.get(key, key.replace("-", " ").capitalize())

"""What each figure shows, and what each chapter is called."""

from __future__ import annotations

FIGURES = {
    "01_toy_data": {
        "data": "Two tasks that know nothing of each other: each has a pattern in its own labels and none in the other's.",
        "parameter-states": "A weight that was not pruned is active only if it lies on a path from an input to an output.",
        "dense-network": "Before the first pruning everything is connected with everything.",
        "imp-levels": "Level by level the smallest weights go.",
        "independent-tickets": "What is left is two networks, one per task, that share nothing.",
        "performance-one-size": "Pruning does not cost accuracy, until a task is lost.",
    },
    "02_mnist_fashion": {
        "samples": "A digit beside a garment: one network names both.",
        "pixel-statistics": "Where the pixels vary, and where they never do.",
        "accuracy": "Image networks separate too, after their accuracy has begun to fall.",
        "task-accuracy": "The two tasks lose accuracy at different levels.",
        "input-connectivity": "The weights that are left look at certain pixels.",
        "pixel-correlation": "By number: do the remaining weights gather at the pixels that vary?",
        "frontier": "Other ways to find a ticket: does one reach separation at the accuracy of the dense network?",
        "separation-cost": "What separation costs in accuracy, by way of pruning.",
    },
    "03_extension_sweep": {
        "trajectory": "A larger start takes more prunings to the same base network.",
        "outcomes": "From some size on networks separate; from much larger starts some lose an input or an output.",
        "split-count": "The share of networks that separate, with its uncertainty.",
        "active-share": "The larger the start, the smaller the used part of what is left.",
        "inactive-zombie": "Weights that lead nowhere, and weights that hear nothing.",
        "weights-at-separation": "A separated network needs about as many active weights whatever its start.",
        "performance": "Networks that solve both tasks get better as they get smaller.",
        "performance-poster": "The same, averaged over the seeds.",
        "layer-separation": "Seen from the outputs the last layer decides first; seen from the inputs everything is late.",
        "which-layer-is-lost": "Why one-layer networks stop separating: global pruning takes the weights into the outputs first.",
    },
    "04_pruning_level_sweep": {
        "size-or-levels": "Same target, other widths and numbers of prunings: width decides first.",
        "twenty-levels": "With twenty prunings for everybody, small networks still rarely separate.",
        "how-many-levels": "A large network must be pruned gently.",
    },
    "05_ticket_explorer": {
        "explorer-view": "One ticket, what it computes, and how it came about: in JupyterLab with a slider through the levels."
    },
    "06_weight_distributions": {
        "training-curves": "Tickets trained again, with weights drawn anew in two readings, with the mask shuffled, and controls.",
        "summary": "What each of them reaches.",
        "weight-histograms": "The weights that survive were trained to be large; what they began as is another distribution.",
    },
    "07_one_shot_or_iterative": {
        "one-shot-or-iterative": "Pruned in rounds or all at once: accuracy over what is left.",
        "rounds-to-target": "The same target in more and more rounds.",
        "one-shot-separation": "Does pruning all at once separate the two tasks?",
    },
}
"""What each figure shows, in a sentence without numbers, by notebook."""

CHAPTERS = {
    "01_toy_data": "Two tasks, one network, two tickets",
    "02_mnist_fashion": "Digits beside clothes",
    "03_extension_sweep": "How large must a network be to fall apart?",
    "04_pruning_level_sweep": "Is it the size, or the number of prunings?",
    "05_ticket_explorer": "The ticket explorer",
    "06_weight_distributions": "Is it the mask, the weights' distribution, or the very values?",
    "07_one_shot_or_iterative": "All at once, or in rounds?",
}

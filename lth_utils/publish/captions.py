"""What each figure shows and what each chapter is called: the one place of these sentences."""

from __future__ import annotations

TITLE = "What structure does a pruned network have?"
"""The gallery's title."""

SENTENCE = (
    "One network learns two unrelated tasks; prune it again and again, and it falls apart into two "
    "independent networks, one per task."
)
"""What the page shows first, in one sentence."""

LEAD = (
    "One network learns two unrelated tasks at once. Iterative magnitude pruning removes a share "
    "of its weights at a time, and what is left falls apart into independent networks, one per "
    "task. This page shows every figure of the reproduction of <i>Winning the Lottery Twice</i> "
    "(M. Burger, 2024). The thesis' values are hollow and black beside ours."
)
"""The gallery's first paragraph, as HTML."""

FIGURES = {
    "01_toy_data": {
        "data": "Two unrelated tasks: each point has a label of each task, and the labels of one "
        "task show no pattern in the inputs of the other.",
        "parameter-states": "A weight that was not pruned is active only if it lies on a path "
        "from an input to an output.",
        "dense-network": "Before the first pruning every input is connected to every output.",
        "imp-levels": "At each pruning level the smallest weights are removed.",
        "independent-tickets": "What is left is two networks, one per task, that share nothing.",
        "performance-one-size": "What pruning does to the loss of networks of one size, and how "
        "many of them lose a task.",
    },
    "02_mnist_fashion": {
        "samples": "A digit and a garment side by side: one network classifies both.",
        "pixel-statistics": "Where pixels vary from image to image, and where they never do.",
        "accuracy": "Networks on images separate too, after their accuracy has begun to fall.",
        "task-accuracy": "The two tasks lose accuracy at different pruning levels.",
        "accuracy-differences": "Dense networks with one thing changed at a time: what explains "
        "the gap between ours and the thesis'?",
        "input-connectivity": "The pixels whose weights are left, at several pruning levels.",
        "pixel-correlation": "In numbers: are the remaining weights at the pixels that vary?",
        "frontier": "Other ways to prune: does any of them separate the tasks near the accuracy "
        "of its best level?",
        "separation-cost": "The accuracy that separation costs against the best level of the same "
        "run, for each way to prune.",
    },
    "03_extension_sweep": {
        "trajectory": "A larger network needs more prunings to reach the same base network.",
        "outcomes": "The shares of networks that ever separated and that ever lost an input or an "
        "output, by size at the start.",
        "split-count": "The share of networks of two hidden layers that separate, with its "
        "interval.",
        "active-share": "The share of the remaining weights that is active, by size at the start, "
        "beside what random masks leave.",
        "inactive-zombie": "Weights that lead to no output, and weights that no input reaches, "
        "beside those of random masks.",
        "weights-at-separation": "A separated network has about as many active weights, whatever "
        "its size at the start.",
        "performance": "The loss by the number of active weights, on several draws of the data; "
        "a band of high losses has lost one of the tasks.",
        "performance-poster": "The same on inputs from 0 to 1, averaged over the seeds, as on the "
        "poster of the thesis.",
        "layer-separation": "When each layer separates, seen from the outputs and from the "
        "inputs, beside random masks with as many weights. The thesis' one run is 4-169-169-169-2.",
        "which-layer-is-lost": "Why networks of one hidden layer stop separating, and what "
        "pruning layer by layer changes.",
        "layer-collapse": "Can the level at which they stop be computed before any training?",
    },
    "04_pruning_level_sweep": {
        "size-or-levels": "The same number of weights left, from other widths and in other "
        "numbers of prunings: which of the two decides who separates?",
        "twenty-levels": "Networks of all sizes, pruned equally often: who separates?",
        "how-many-levels": "A large network in few harsh prunings, or in many gentle ones.",
    },
    "05_ticket_explorer": {
        "explorer-view": "One ticket, what it computes and how it was found; in JupyterLab with a "
        "slider through the pruning levels.",
    },
    "06_weight_distributions": {
        "training-curves": "Tickets trained again: with weights drawn anew, with the mask "
        "shuffled, with a fresh initialisation, or with their signs alone.",
        "summary": "The accuracy that each of them reaches.",
        "weight-histograms": "The weights that are left became large in training; their initial "
        "values have another distribution.",
    },
    "07_one_shot_or_iterative": {
        "one-shot-or-iterative": "Pruned in rounds or all at once: accuracy over the share left.",
        "rounds-to-target": "The same share left after more and more rounds.",
        "one-shot-separation": "Does pruning all at once separate the two tasks?",
    },
    "08_your_data": {
        "found-partition": "Which tasks share a subnetwork, and which inputs reach them.",
        "more-than-chance": "Are tasks apart more often than in networks that learned shuffled "
        "labels, and in random masks?",
        "score-over-weights": "How good the networks are as their weights get fewer.",
        "best-tickets": "The best ticket of each data set, and the tasks that its parts serve.",
    },
    "09_controls_and_dials": {
        "dials": "Two tasks that become less and less independent: of their labels, of their "
        "inputs, of the inputs that they need. Do networks still part them?",
        "dial-tickets": "Tickets of one seed along each dial.",
        "controls-outcomes": "Networks without training data that mean something, without two "
        "tasks, or without training: do they part as well?",
        "transplants": "Separated tickets trained on another draw, on the other task, on inputs "
        "in other places, and with a shuffled mask.",
    },
    "10_hidden_structure": {
        "hidden-partition": "Blocks of inputs and outputs in a random order: who finds them? "
        "Tickets beside eight other methods with the same data.",
        "found-by-examples": "How many examples each method needs.",
        "ticket-gains": "Where data are few, noisy or full of distractors: is the ticket better "
        "than its own dense network?",
        "many-tasks": "From two tasks side by side to eight: are all of them found, and at how "
        "many weights?",
        "unequal-tasks": "A second task that is noisier, lighter or larger: which one is lost, and "
        "who gets the weights?",
        "inner-functions": "Functions inside of a task: do hidden units keep to the inputs of one "
        "of them? In black the success rates of Neural Sculpting.",
    },
    "11_other_sparsifiers": {
        "separation-by-way": "Networks made sparse in other ways, with as many weights left: which "
        "separate, which lose a task, and how accurate they are.",
        "separation-over-weights": "The share that is separated at every size, beside tickets.",
        "lenet-compression": "How many of the weights that are left are on a path, in networks "
        "that were pruned before any training.",
        "equal-compression": "The accuracy of the same networks by the weights that are left, and "
        "by the active ones.",
        "channel-layers": "A digit and a garment as two channels of one image: which layers of a "
        "convolutional network serve one task only.",
    },
    "12_any_network": {
        "effective-compression": "Networks of torchvision pruned at initialisation: weights over "
        "those that are left, and over those that are active.",
        "layers-of-a-network": "One of them layer by layer: what of the rest is active, leads "
        "nowhere, or is reached by nothing.",
        "audited-network": "A residual network trained on images, pruned further and further: its "
        "accuracy, and how much of what is left is active.",
        "layers-after-training": "The smallest of them that has a path left, layer by layer.",
        "graded-curves": "λ₂, normalised cut, modularity and paths within tasks while networks "
        "are pruned, beside random masks with the same counts or the same degrees.",
        "announcements": "Do these measures tell, levels ahead, a run that will separate from one "
        "that never does?",
        "smaller-models": "Parameters, size and time of models before and after `lth.compact`.",
    },
}
"""What each figure shows, in one sentence without numbers, by notebook and key."""

CHAPTERS = {
    "01_toy_data": "Two tasks, one network, two tickets",
    "02_mnist_fashion": "Digits beside clothes",
    "03_extension_sweep": "How large must a network be to fall apart?",
    "04_pruning_level_sweep": "Is it the size, or the number of prunings?",
    "05_ticket_explorer": "The ticket explorer",
    "06_weight_distributions": "Is it the mask, the weights' distribution, or the exact values?",
    "07_one_shot_or_iterative": "All at once, or in rounds?",
    "08_your_data": "Your data",
    "09_controls_and_dials": "Is it the data? Controls and dials",
    "10_hidden_structure": "Is it the data? Hidden structure",
    "11_other_sparsifiers": "Is it the data? Other sparsifiers",
    "12_any_network": "Any network",
}
"""The title of each notebook's chapter."""

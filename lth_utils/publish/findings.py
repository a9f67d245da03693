"""The three findings that a set's page begins with, computed from its facts."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable

from lth_utils.publish.about_figures import title_of
from lth_utils.publish.products import read_facts


def findings(set_name: str, figures: Iterable[str]) -> str:
    """Three questions, each with the sentence that the facts answer it with, and its figure.

    Args:
        set_name: folder of ``outputs/``.
        figures: the keys of the figures on the page.
    """
    shown = set(figures)
    cards = []
    for question, notebook, answer, figure in QUESTIONS:
        try:
            sentence = answer(read_facts(set_name, notebook))
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # this set did not ask it, or in another way
        sentence = sentence[:1].upper() + sentence[1:]
        link = ""
        if figure in shown:
            link = f' <a href="#{figure}">Figure: {html.escape(title_of(figure))}</a>'
        cards.append(f"<li><h3>{question}</h3><p>{html.escape(sentence)}.{link}</p></li>")
    if not cards:
        return ""
    return f'<h2 id="findings">What was found</h2><ul class="findings">{"".join(cards)}</ul>'


def _sizes(facts: dict) -> str:
    """How many of the larger networks separate."""
    return facts["above_level_9"]["sentence"]


def _costs(facts: dict) -> str:
    """What separation costs image networks, in the words before the second one on neurons."""
    return facts["frontier"].partition("; hidden neurons")[0]


def _one_layer(facts: dict) -> str:
    """Shares of one-layer networks that separate, pruned globally and layer by layer."""
    layerwise = facts["layerwise"]
    level = max(set(layerwise) & set(facts["separated"]["1"]), key=int)
    alone = facts["separated"]["1"][level]
    return (
        f"of one-layer networks extended {level} levels, {alone:.0%} separate; pruned layer by "
        f"layer, {layerwise[level]:.0%} do"
    )


QUESTIONS: tuple[tuple[str, str, Callable[[dict], str], str], ...] = (
    ("How large must a network be to fall apart?", "03_extension_sweep", _sizes, "outcomes"),
    ("What does separation cost?", "02_mnist_fashion", _costs, "frontier"),
    (
        "Why do wide one-layer networks stop separating?",
        "03_extension_sweep",
        _one_layer,
        "which-layer-is-lost",
    ),
)
"""A question, the notebook whose facts answer it, the answer, and its figure."""

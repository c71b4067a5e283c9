"""Explanations: nothing of the margin is lost on the way to the words, and the words are those of the text."""

from __future__ import annotations

from pathlib import Path

from modules.network.architecture import Architecture
from modules.network.model import build_model
from modules.network.trained import Trained
from modules.quality import attribution

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

VOCABULARY = (Path(__file__).parents[3] / "data" / "vocab.txt").read_text().split("\n")[:-1]
UGLY = "Déjà vu: the FILM isn't <b>GOOD</b> 😀\n\t日本 ''"


@pytest.fixture(scope="module")
def trained() -> Trained:
    tf_keras.utils.set_random_seed(3)
    architecture = Architecture(
        vocabulary_size=len(VOCABULARY), num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
        max_sequence_length=64, num_classes=3,
    )  # fmt: skip
    model = build_model(architecture, dropout=0.0)
    # Random weights of BERT's scale hardly tell one text from another.
    model.set_weights([weight * 8 if weight.ndim > 1 else weight for weight in model.get_weights()])
    return Trained(model, architecture, VOCABULARY, ["a", "b", "c"])


def test_the_words_add_up_to_the_change_of_the_margin(trained: Trained) -> None:
    texts = [UGLY, "the film", "word " * 100]
    found = attribution.explain(trained, texts, [2, 0, 1], [0, 1, 2], sequence_length=64, points=48)
    for explanation in found:
        total = sum(span.weight for span in explanation.spans if span.weight is not None)
        change = explanation.margin - explanation.start
        assert abs(change) > 0.01
        assert total == pytest.approx(change, rel=0.03)


def test_the_margin_is_that_of_the_model_itself(trained: Trained) -> None:
    from modules.text.tokenization import wordpiece

    [explanation] = attribution.explain(trained, [UGLY], [2], [0], sequence_length=64)
    ids, mask = wordpiece(tf.constant([UGLY]), VOCABULARY, 64)
    probabilities = trained.model({"token_ids": ids, "padding_mask": mask}).numpy()[0]
    assert explanation.margin == pytest.approx(np.log(probabilities[2] / probabilities[0]), abs=1e-4)


def test_the_spans_are_the_text_and_what_the_window_cuts_off_has_no_weight(trained: Trained) -> None:
    texts = [UGLY, "one two three four", "   ", ""]
    found = attribution.explain(trained, texts, [0] * 4, [1] * 4, sequence_length=5)
    assert ["".join(span.text for span in item.spans) for item in found] == texts
    assert found[1].spans[-1] == attribution.Span(found[1].spans[-1].text, None)
    assert "four" in found[1].spans[-1].text


def test_pieces_of_a_word_are_one_span() -> None:
    pieces = [("un", 0, 2), ("##do", 2, 4), ("##ing", 4, 7), (",", 7, 8), ("##x", 9, 10)]
    spans = attribution.merge_words("undoing, x", pieces, [1.0, 0.5, -0.25, 0.1, 2.0])
    assert [(span.text, span.weight) for span in spans] == [
        ("undoing", 1.25), (",", 0.1), (" ", None), ("x", 2.0)
    ]  # fmt: skip

"""Explanations: nothing of the margin is lost on the way to the words, and the words are those of the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.inputs.text import attribution
from modules.inputs.text.input import Text
from modules.network.architecture import Architecture
from modules.network.model import build_model
from modules.network.trained import Trained

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tests.toys.letter_count  # noqa: F401  (registers its kind)

VOCABULARY = (Path(__file__).parents[4] / "data" / "vocab.txt").read_text().split("\n")[:-1]
UGLY = "Déjà vu: the FILM isn't <b>GOOD</b> 😀\n\t日本 ''"


def text(window: int, long_text: str = "head") -> Text:
    return Text(name="text", sequence_length=window, long_text=long_text, backbone={"kind": "scratch"})


@pytest.fixture(scope="module")
def trained() -> Trained:
    return made({})


def made(inputs: dict[str, dict[str, Any]]) -> Trained:
    tf_keras.utils.set_random_seed(3)
    architecture = Architecture(
        vocabulary_size=len(VOCABULARY), num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
        max_sequence_length=64, num_classes=3, inputs=inputs,
    )  # fmt: skip
    model = build_model(architecture, dropout=0.0)
    # Random weights of BERT's scale hardly tell one text from another.
    model.set_weights([weight * 8 if weight.ndim > 1 else weight for weight in model.get_weights()])
    return Trained(model, architecture, VOCABULARY, ["a", "b", "c"])


def test_the_words_add_up_to_the_change_of_the_margin(trained: Trained) -> None:
    texts = [UGLY, "the film", "word " * 100]
    found = attribution.explain(text(64), trained, texts, [2, 0, 1], [0, 1, 2], fixed=[{}] * 3, points=48)
    for explanation in found:
        total = sum(span.weight for span in explanation.spans if span.weight is not None)
        change = explanation.margin - explanation.start
        assert abs(change) > 0.01
        assert total == pytest.approx(change, rel=0.03)


def test_the_margin_is_that_of_the_model_itself(trained: Trained) -> None:
    from modules.text.tokenization import wordpiece

    [explanation] = attribution.explain(text(64), trained, [UGLY], [2], [0], fixed=[{}])
    ids, mask = wordpiece(tf.constant([UGLY]), VOCABULARY, 64)
    probabilities = trained.model({"token_ids": ids, "padding_mask": mask}).numpy()[0]
    assert explanation.margin == pytest.approx(np.log(probabilities[2] / probabilities[0]), abs=1e-4)


def test_words_add_up_with_what_another_input_has_held_fixed() -> None:
    from modules.text.tokenization import wordpiece

    both = made({"letters": {"kind": "letter_count", "column": "title", "letters": "ae"}})
    counts = [{"letters_counts": tf.constant([values], tf.float32)} for values in ([0.1, 0.2], [0.9, 0.0])]
    found = attribution.explain(text(64), both, [UGLY] * 2, [2, 2], [0, 0], fixed=counts, points=48)
    ids, mask = wordpiece(tf.constant([UGLY]), VOCABULARY, 64)
    for explanation, held in zip(found, counts, strict=True):
        total = sum(span.weight for span in explanation.spans if span.weight is not None)
        assert total == pytest.approx(explanation.margin - explanation.start, rel=0.03)
        probabilities = both.model({"token_ids": ids, "padding_mask": mask, **held}).numpy()[0]
        assert explanation.margin == pytest.approx(np.log(probabilities[2] / probabilities[0]), abs=1e-4)
    # The other input moves the margin with and without the words, so its share is in no word.
    moved = found[1].margin - found[0].margin
    assert abs(moved) > 0.1
    assert found[1].start - found[0].start == pytest.approx(moved, abs=1e-4)


def test_the_spans_are_the_text_and_what_the_window_cuts_off_has_no_weight(trained: Trained) -> None:
    texts = [UGLY, "one two three four five six seven eight", "   ", ""]
    found = attribution.explain(text(8), trained, texts, [0] * 4, [1] * 4, fixed=[{}] * 4)
    assert ["".join(span.text for span in item.spans) for item in found] == texts
    assert found[1].spans[-1] == attribution.Span(found[1].spans[-1].text, None)
    assert "eight" in found[1].spans[-1].text


def test_the_end_of_a_long_text_has_weights_where_it_is_read(trained: Trained) -> None:
    from modules.text.tokenization import wordpiece

    long = "film " * 20 + "GOOD <b> " * 20 + "isn't"
    [explanation] = attribution.explain(text(16, "head_tail"), trained, [long], [2], [0], fixed=[{}], points=48)
    read = [span for span in explanation.spans if span.weight is not None]
    first, last = [span.text for span in read][:7], [span.text for span in read][7:]
    assert first == ["film"] * 7
    assert last
    assert long.replace(" ", "").endswith("".join(last))
    assert "".join(span.text for span in explanation.spans) == long
    [skipped] = [span for span in explanation.spans if span.weight is None and len(span.text) > 1]
    assert "film GOOD" in skipped.text
    assert sum(span.weight or 0 for span in read) == pytest.approx(explanation.margin - explanation.start, rel=0.03)
    ids, mask = wordpiece(tf.constant([long]), VOCABULARY, 16, "head_tail")
    probabilities = trained.model({"token_ids": ids, "padding_mask": mask}).numpy()[0]
    assert explanation.margin == pytest.approx(np.log(probabilities[2] / probabilities[0]), abs=1e-4)


def test_the_words_of_windows_add_up_to_the_mean_of_their_margins(trained: Trained) -> None:
    long = "film " * 20 + "GOOD <b> " * 20 + "isn't"
    [explanation] = attribution.explain(text(64, "windows"), trained, [long], [2], [0], fixed=[{}], points=48)
    assert "".join(span.text for span in explanation.spans) == long
    assert all(span.weight is not None for span in explanation.spans if not span.text.isspace())
    total = sum(span.weight for span in explanation.spans if span.weight is not None)
    assert total == pytest.approx(explanation.margin - explanation.start, rel=0.03)


def test_pieces_of_a_word_are_one_span() -> None:
    pieces = [("un", 0, 2), ("##do", 2, 4), ("##ing", 4, 7), (",", 7, 8), ("##x", 9, 10)]
    spans = attribution.merge_words("undoing, x", pieces, [1.0, 0.5, -0.25, 0.1, 2.0])
    assert [(span.text, span.weight) for span in spans] == [
        ("undoing", 1.25), (",", 0.1), (" ", None), ("x", 2.0)
    ]  # fmt: skip

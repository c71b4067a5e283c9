"""`modules.targets.one_label.linear`: the model to beat, trained on the rows that Trainer gets."""

from __future__ import annotations

from pathlib import Path

import modules  # noqa: F401
from modules.quality import predictions
from modules.quality.linear_baseline import LinearModel
from modules.rows import ngrams
from modules.rows.raw import RawSplit
from modules.targets.one_label import linear
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

GOOD, BAD = ["a great film", "great fun", "so great"], ["an awful film", "awful stuff", "so awful"]


def split(texts: list[str], labels: list[int]) -> RawSplit:
    hashes = [f"hash of {text}" for text in texts]
    return RawSplit(texts, np.array(labels), {"source": ["web"] * len(texts)}, hashes)


def fit(splits: dict[str, RawSplit], classes: int = 2) -> LinearModel:
    return linear.baseline(splits, OneLabel(labels=[str(number) for number in range(classes)]), 1)


def test_the_baseline_learns_and_is_scored_on_every_split_but_train() -> None:
    train = split((GOOD + BAD) * 2, ([1] * 3 + [0] * 3) * 2)
    result = fit({"train": train, "eval": split(["great", "awful"], [1, 0]), "test": split(["awful"], [1])}).record
    assert (result["rows"], result["of"], set(result["splits"])) == (12, 12, {"eval", "test"})
    assert result["splits"]["eval"]["accuracy"] == 1.0
    assert result["splits"]["test"]["accuracy"] == 0.0
    assert result["splits"]["eval"]["slices"]["source:web"]["rows"] == 2
    assert result["seconds"] >= 0


def test_the_answer_to_every_row_is_kept_and_found_again_by_the_hash_of_the_text(tmp_path: Path) -> None:
    train = split(GOOD * 3 + BAD * 3, [1] * 9 + [0] * 9)
    found = fit({"train": train, "eval": split(["great", "awful"], [1, 1]), "test": split(["so awful"], [0])})
    predictions.write(f"{tmp_path}/p.parquet", found.predictions, ["bad", "good"])
    again, labels = predictions.read(f"{tmp_path}/p.parquet")
    assert (labels, list(again)) == (["bad", "good"], ["eval", "test"])
    assert again["eval"].text_hash == ["hash of great", "hash of awful"]
    assert (again["eval"].label.tolist(), again["eval"].predicted.tolist()) == ([1, 1], [1, 0])
    assert again["eval"].more["probabilities"].argmax(axis=1).tolist() == [1, 0]
    assert again["eval"].more["probabilities"].sum(axis=1) == pytest.approx([1, 1])


def test_a_train_split_of_one_label_is_told_in_our_words() -> None:
    with pytest.raises(
        ValueError, match=r"all 3 rows of the train split have the label '1': there is nothing to learn"
    ):
        fit({"train": split(GOOD, [1, 1, 1]), "eval": split(["great", "awful"], [1, 0])})


def test_the_baseline_gives_the_same_result_each_time() -> None:
    splits = {"train": split(GOOD * 3 + BAD * 3, [1] * 9 + [0] * 9), "eval": split(["film", "so"], [1, 0])}
    one, other = (fit(splits).record["splits"] for _ in range(2))
    assert one == other


def chinese(rows: int, seed: int) -> RawSplit:
    """Reviews without a space: what they say stands inside of what looks like one word."""
    rng, signs = np.random.default_rng(seed), list("天地人你我他大小上下来去酒店房间服务电影手机书")
    labels = rng.integers(0, 2, rows)
    texts = [
        "".join(rng.choice(signs, 8)) + ("很好" if label else "很差") + "".join(rng.choice(signs, 8))
        for label in labels
    ]
    return RawSplit(texts, labels, {})


def test_a_language_without_spaces_is_told_by_its_characters() -> None:
    found = fit({"train": chinese(200, 1), "eval": chinese(100, 2)}).record
    assert found["splits"]["eval"]["accuracy"] > 0.95
    assert "characters" in found["model"]
    by_words = next(item for item in found["candidates"] if item["model"].startswith("words (1-2-grams), linear SVM"))
    assert by_words["macro_f1"] < 0.7, "whole clauses as words say nothing of another clause"


def test_the_test_split_chooses_nothing() -> None:
    splits = {"train": chinese(120, 1), "eval": chinese(60, 2)}
    with_test = fit({**splits, "test": RawSplit(["bad"] * 50, np.zeros(50, np.int64), {})}).record
    alone = fit(splits).record
    assert (with_test["model"], with_test["candidates"]) == (alone["model"], alone["candidates"])
    assert with_test["splits"]["eval"] == alone["splits"]["eval"]


def test_among_equals_the_simpler_one_is_taken() -> None:
    found = fit({"train": split(GOOD * 3 + BAD * 3, [1] * 9 + [0] * 9), "eval": split(["great", "awful"], [1, 0])})
    assert {item["macro_f1"] for item in found.record["candidates"]} == {1.0}
    assert found.record["model"] == "TF-IDF of words (1-2-grams), logistic regression, scikit-learn"


def test_more_rows_than_the_limits_allow_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = chinese(400, 1)  # of 18 characters
    splits = {"train": rows, "eval": chinese(100, 2)}
    monkeypatch.setattr(ngrams, "COMPARED", 18 * 100)
    refitted = fit(splits).record
    assert (refitted["rows"], refitted["of"]) == (400, 400), "compared on a hundred, then learnt from all"
    monkeypatch.setattr(ngrams, "LEARNT", 18 * 300)
    assert fit(splits).record["rows"] == 300
    monkeypatch.setattr(linear, "_WORK", 18 * 200 * 5)
    assert fit(splits, classes=5).record["rows"] == 200, "the more classes, the fewer rows"
    monkeypatch.setattr(linear, "_LOGISTIC", 0)
    assert not any("regression" in item["model"] for item in fit(splits).record["candidates"])


def test_texts_of_signs_alone_have_no_words_and_a_baseline_all_the_same() -> None:
    splits = {"train": split(["😀 😀", "😡"] * 5, [1, 0] * 5), "eval": split(["😀", "😡 😡"], [1, 0])}
    found = fit(splits).record
    assert found["splits"]["eval"]["accuracy"] == 1.0
    assert all(item["model"].startswith("characters") for item in found["candidates"])


def test_a_label_without_a_row_in_train_is_never_answered() -> None:
    splits = {"train": split(GOOD + BAD, [3] * 3 + [1] * 3), "eval": split(["great", "awful"], [0, 1])}
    found = fit(splits, classes=4)
    assert found.predictions["eval"].predicted.tolist() == [3, 1]
    assert found.predictions["eval"].more["probabilities"][:, [0, 2]].tolist() == [[0, 0], [0, 0]]

"""`Classifier`: answers, errors, threads."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import BundleError, Classifier, Prediction, write_bundle
from edgeline_edge.long_text import LongText
from edgeline_edge.targets.one_label import answered

LABELS = ("negative", "neutral", "positive")
MANIFEST = {"task": "sentiment", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "Apache-2.0"}
TEXTS = ["good film", "the worst phone ever", "it arrived on Tuesday", "never again!", "I love it", "meh", "water bank"]


def test_a_prediction_has_label_score_and_all_scores(classifier: Classifier) -> None:
    answer = classifier.predict(["good film"])[0]
    assert tuple(answer.scores) == classifier.labels == LABELS
    assert answer.score == max(answer.scores.values()) == answer.scores[answer.label]
    assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)


def test_a_batch_keeps_its_order_and_changes_no_answer(classifier: Classifier) -> None:
    assert classifier.predict(TEXTS) == [classifier.predict([text])[0] for text in TEXTS]
    assert classifier.predict(TEXTS[::-1]) == classifier.predict(TEXTS)[::-1]
    assert classifier.predict([]) == []


def test_answers_differ_between_texts(classifier: Classifier) -> None:
    assert len({answer.score for answer in classifier.predict(TEXTS)}) == len(TEXTS)


def test_it_is_deterministic(bundle_path: Path, classifier: Classifier) -> None:
    expected = classifier.predict(TEXTS)
    for threads in (1, 2):
        again = Classifier.load(bundle_path, num_threads=threads)
        assert all(again.predict(TEXTS) == expected for _ in range(5))


def test_predict_ids_equals_predict(classifier: Classifier) -> None:
    scores = classifier.predict_ids(*classifier.tokenizer.encode(TEXTS))
    assert scores.dtype == np.float32
    assert scores.shape == (len(TEXTS), 3)
    assert [list(answer.scores.values()) for answer in classifier.predict(TEXTS)] == scores.tolist()
    assert classifier.predict_ids(np.zeros((0, 32), int), np.zeros((0, 32), int)).shape == (0, 3)


@pytest.mark.parametrize(
    ("token_ids", "padding_mask", "message"),
    [
        (np.zeros((1, 31), int), np.ones((1, 32), int), "token_ids must be integers"),
        (np.zeros((1, 32)), np.ones((1, 32), int), "token_ids must be integers"),
        (np.zeros(32, int), np.ones((1, 32), int), "token_ids must be integers"),
        (np.full((1, 32), 10**6), np.ones((1, 32), int), "token_ids must lie in"),
        (np.full((1, 32), -1), np.ones((1, 32), int), "token_ids must lie in"),
        (np.zeros((1, 32), int), np.full((1, 32), 2), "padding_mask must lie in 0 … 1"),
        (np.zeros((1, 32), int), np.ones((2, 32), int), "1 rows, padding_mask 2"),
    ],
)
def test_predict_ids_checks_its_input(classifier: Classifier, token_ids: Any, padding_mask: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier.predict_ids(token_ids, padding_mask)


def test_bad_texts_are_named_by_their_index(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match=r"texts\[1\] is empty"):
        classifier.predict(["a", ""])
    for bad in (None, 1, b"bytes", ["list"], float("nan")):
        with pytest.raises(TypeError, match=r"texts\[2\] must be a string"):
            classifier.predict(["a", "b", bad])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"write \[text\]"):
        classifier.predict("a single text")
    with pytest.raises(ValueError, match="must be one of head, head_tail, windows"):
        classifier.predict(["a"], long_text="other")  # type: ignore[arg-type]


def test_white_space_alone_is_a_text(classifier: Classifier) -> None:
    assert classifier.predict(["   "])[0].scores == classifier.predict(["\u3000\n"])[0].scores


def test_what_is_read_of_a_long_text(classifier: Classifier) -> None:
    head, tail = "good film " * 20, "war court fire " * 30
    head_alone, whole = classifier.predict([head, head + tail])
    assert head_alone == whole
    ways: list[LongText] = ["head_tail", "windows"]
    for how in ways:
        both = classifier.predict([head + tail], long_text=how)[0]
        assert both != whole
        assert sum(both.scores.values()) == pytest.approx(1, abs=1e-5)
        assert classifier.predict(["good film"], long_text=how) == classifier.predict(["good film"])
    halves = "good film " * 7 + "good " + "war court fire " * 5  # 15 pieces of each end fill the window of 30
    assert classifier.predict([head + tail], long_text="head_tail") == classifier.predict([halves])


def test_the_windows_of_a_text_are_answered_by_their_mean(classifier: Classifier) -> None:
    text = "the good film is never boring , but war is . " * 10
    windows = classifier.tokenizer.cut(text, "windows")
    assert len(windows) > 3
    expected = classifier.predict_ids(*classifier.tokenizer.rows(windows)).mean(axis=0)
    got = list(classifier.predict([text], long_text="windows")[0].scores.values())
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    ends = classifier.tokenizer.rows([windows[0], windows[-1]])
    two = list(classifier.predict([text], long_text="windows", max_windows=2)[0].scores.values())
    np.testing.assert_allclose(two, classifier.predict_ids(*ends).mean(axis=0), rtol=1e-6)
    with pytest.raises(ValueError, match="max_windows is 0"):
        classifier.predict([text], long_text="windows", max_windows=0)


@pytest.mark.parametrize("told", [{"long_text": "head_tail"}, {"long_text": "windows", "max_windows": 2}])
def test_a_bundle_reads_long_texts_as_its_model_was_trained_to(
    tmp_path: Path, tiny: bytes, vocabulary: list[str], classifier: Classifier, told: dict[str, Any]
) -> None:
    write_bundle(tiny, tmp_path / "b", vocabulary=vocabulary, labels=LABELS, manifest={**MANIFEST, **told})
    own = Classifier.load(tmp_path / "b")
    text = "good film " * 20 + "war court fire " * 30
    assert own.predict([text]) == classifier.predict([text], **told)
    assert own.predict([text]) != own.predict([text], long_text="head") == classifier.predict([text])
    assert own.predict([text], max_windows=50) == own.predict([text]), "never more windows than in training"


def test_eight_threads_get_the_answers_of_one(classifier: Classifier) -> None:
    expected = classifier.predict(TEXTS)

    def work(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(TEXTS)), 40))
        return all(classifier.predict([TEXTS[i]]) == [expected[i]] for i in order)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_calibration_softens_scores_and_keeps_the_label(
    tmp_path: Path, tiny: bytes, vocabulary: list[str], classifier: Classifier
) -> None:
    write_bundle(
        tiny,
        tmp_path / "b",
        vocabulary=vocabulary,
        labels=LABELS,
        manifest={**MANIFEST, "calibration": {"temperature": 2.0}},
    )
    calibrated = Classifier.load(tmp_path / "b").predict(TEXTS)
    for plain, soft in zip(classifier.predict(TEXTS), calibrated, strict=True):
        roots = np.sqrt(list(plain.scores.values()))
        np.testing.assert_allclose(list(soft.scores.values()), roots / roots.sum(), rtol=1e-5)
        assert soft.label == plain.label
        assert soft.score < plain.score


@pytest.mark.parametrize("threshold", [0.3, 0.7, float(np.float32(1 / 3))])
@pytest.mark.parametrize("asked", [0, 1])
def test_of_two_labels_a_threshold_decides_to_the_last_bit(threshold: float, asked: int) -> None:
    labels, at = ("ham", "spam"), np.float32(threshold)
    decision = {"label": labels[asked], "threshold": threshold}
    found = []
    for score in (np.nextafter(at, np.float32(0)), at, np.nextafter(at, np.float32(1))):
        scores = np.array([score, score], np.float32)
        scores[1 - asked] = 1 - score
        found.append(answered(scores, labels, decision))
    assert found == [1 - asked, asked, asked]
    assert answered(np.array([0.5, 0.5], np.float32), labels, None) == 0, "of equals the first"


def test_loading_refuses_a_senseless_number_of_threads(bundle_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Classifier.load(bundle_path, num_threads=0)


def test_content_in_memory_can_be_loaded(bundle_path: Path, classifier: Classifier) -> None:
    assert Classifier.load(bundle_path.read_bytes()).predict(TEXTS) == classifier.predict(TEXTS)


def test_a_prediction_is_a_plain_value() -> None:
    assert Prediction("a", 0.5, {"a": 0.5}) == Prediction("a", 0.5, {"a": 0.5})
    assert issubclass(BundleError, ValueError)

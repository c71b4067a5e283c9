"""`benchmarks.any_file`: sets without leaks, records that hold, noise that is noise, promises that can be missed."""

import argparse
import csv
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.any_file import __main__ as command_line
from benchmarks.any_file import judged, linear, result, sets, systems
from benchmarks.any_file.records import Records, digest_of
from benchmarks.harness import command

MORE_WORDS = [f"{one}{other}" for one in "bdfgk" for other in ("am", "el", "ig", "os", "un")]


def _rows(count: int = 240) -> list[sets.Row]:
    chance = random.Random(5)
    rows = []
    for number in range(count):
        label, word = (("good", "lovely"), ("bad", "awful"))[number % 3 == 0]
        rows.append((f"{word} {' '.join(chance.sample(MORE_WORDS, 6))} {number}", label))
    return rows


SET = sets.TextSet("toys", "made here", _rows)


def test_a_set_is_cleaned_of_repeated_and_contradicting_texts_and_of_hardly_any_rows():
    rows = [
        *_rows(30),
        ("Twice  told", "good"),
        ("twice told", "good"),
        ("both", "good"),
        ("Both", "bad"),
        ("x", "one"),
    ]
    found = sets.clean(rows)
    assert ("Twice told", "good") in found
    assert len(found) == 31


def test_held_out_rows_are_in_no_file_and_the_same_for_each_seed(tmp_path: Path):
    drawn = [sets.draw(SET, seed, tmp_path / str(seed), most_rows=100) for seed in (1, 2)]
    files = []
    for one in drawn:
        with one.file.open(encoding="utf-8", newline="") as stream:
            files.append([(row["text"], row["label"]) for row in csv.DictReader(stream)])
    assert drawn[0].held_out == drawn[1].held_out
    assert len(drawn[0].held_out) == 80, "a third of the rows, at most"
    assert [len(rows) for rows in files] == [100, 100]
    assert set(files[0]) != set(files[1])
    assert not set(drawn[0].held_out) & {*files[0], *files[1]}
    assert drawn[0].labels == ["bad", "good"]
    again = sets.draw(SET, 1, tmp_path / "again", most_rows=100)
    assert again.file.read_bytes() == drawn[0].file.read_bytes()


def test_rare_labels_are_in_the_file_however_few_rows_it_takes(tmp_path: Path):
    rare = sets.TextSet("rare", "", lambda: [*_rows(3000), *((f"seldom {number}", "rare") for number in range(6))])
    assert sets.draw(rare, 1, tmp_path, most_rows=50).labels == ["bad", "good", "rare"]
    few = sets.TextSet("few", "", _rows, per_label=7)
    assert sets.draw(few, 1, tmp_path).rows == 14


@pytest.mark.parametrize("answer", [linear.own_baseline, linear.character_machine])
def test_linear_models_learn_from_the_file_and_answer_by_name(answer: Any, tmp_path: Path):
    drawn = sets.draw(SET, 1, tmp_path)
    answers, what = answer(drawn.file, ["bad", "good", "unseen"], [text for text, _ in drawn.held_out])
    assert np.mean([one == label for one, (_, label) in zip(answers, drawn.held_out, strict=True)]) > 0.95
    assert "characters" in what or "words" in what


def test_a_record_holds_until_what_it_depends_on_changes(tmp_path: Path):
    file = tmp_path / "rows.csv"
    file.write_text("text,label\n")
    records, digest = Records(tmp_path / "records"), digest_of([file, "quick"])
    assert records.read("toys", 1, "quick", digest) is None
    written = records.write("toys", 1, "quick", digest, {"answers": ["gut"]})
    assert records.read("toys", 1, "quick", digest) == written
    assert records.read("toys", 2, "quick", digest) is None
    file.write_text("text,label\na,b\n")
    assert records.read("toys", 1, "quick", digest_of([file, "quick"])) is None
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])


def test_a_difference_is_noise_until_it_is_more_than_that_and_seeds_do_not_multiply_rows():
    truth = ["a", "b"] * 100
    almost = ["b", *truth[1:]]
    worse = ["b" if row % 3 == 0 else label for row, label in enumerate(truth)]
    assert judged.verdict(judged.differences(truth, [almost], [truth])["macro_f1"]) == "within noise"
    found = judged.differences(truth, [worse], [truth])["macro_f1"]
    assert judged.verdict(found) == "worse"
    assert judged.verdict(judged.differences(truth, [truth], [worse])["macro_f1"]) == "better"
    assert judged.differences(truth, [worse] * 3, [truth] * 3)["macro_f1"] == found


def test_scores_are_those_of_scikit_learn_and_an_unknown_label_is_wrong():
    from sklearn.metrics import accuracy_score, f1_score

    truth, answers = ["a", "b", "c", "a", "b", "c"], ["a", "b", "b", "x", "b", "c"]
    found = judged.scores(truth, [answers])
    expected = f1_score(truth, answers, labels=["a", "b", "c"], average="macro")
    assert found["macro_f1"] == pytest.approx([expected])
    assert found["accuracy"] == pytest.approx([accuracy_score(truth, answers)])


def _record(system: str, answers: list[str], seed: int = 1, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"chosen": "C 1"}
    if system in systems.PROFILES:
        facts = {"bundle": None, "bytes": None, "variant": None, "blessed": True, "why": [],
                 "variants": {"int4": ["agreement is 0.8, at least 0.9 is needed"]}}  # fmt: skip
    return {"seed": seed, "system": system, "answers": answers, "seconds": 1.0, **facts, **more}


def test_a_profile_below_a_linear_model_or_without_a_bundle_misses_its_goal_and_says_where():
    truth = ["bad", "good"] * 100
    poor = ["good"] * 200
    lost = judged.Measured("opinions-3", 100, truth, {
        "baseline": [_record("baseline", truth)], "quick": [_record("quick", poor)],
    })  # fmt: skip
    won = judged.Measured("few-rows", 100, truth, {
        "baseline": [_record("baseline", poor)],
        "quick": [_record("quick", truth, bundle=truth, bytes=1000, variant="int8")],
        "full": [_record("full", truth, bundle=truth, bytes=1000, variant="int8")],
    })  # fmt: skip
    below, shipped, full, full_shipped = result.goals([lost, won])
    assert (below.value, below.met, below.note) == (1, False, "opinions-3: our linear baseline")
    assert (shipped.value, shipped.met, shipped.note) == (0.5, False, "none: opinions-3")
    assert (full.met, full_shipped.met) == (True, True)
    f1, _, against, ships = result.tables([lost, won])
    assert f1.rows[0] == ["opinions-3", 2, 100, 200, 1, "1.0000", "0.3333", "none", "", ""]
    assert against.rows[0][1:3] == ["quick", "our linear baseline"]
    assert against.rows[0][-2:] == ["worse", "worse"]
    assert ships.rows[0][2:] == ["1 of 1", "0 of 1", "", "", 1, "int4: agreement is 0.8, at least 0.9 is needed"]
    assert "answers" not in result.details([lost])["opinions-3"]["quick"][0]


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> argparse.Namespace:
    monkeypatch.setattr(command, "PEERS", Path(sys.executable))
    monkeypatch.setattr(command_line, "SETS", {"few-rows": SET})
    return argparse.Namespace(work=tmp_path, setfit=False, profiles=["quick"], seeds=[1, 2], sets=["few-rows"],
                              rows=100, budget_minutes=60.0)  # fmt: skip


def test_what_was_measured_is_not_measured_again_and_a_failure_stops_nothing_else(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[int, str]] = []

    def prepare(case: systems.Case, system: str) -> tuple[str, Any]:
        def measured() -> dict[str, Any]:
            asked.append((case.seed, system))
            if system == "svm" and case.seed == 2:
                raise systems.MeasureError("ended with exit code 1:\nout of memory")
            return _record(system, [label for _, label in case.drawn.held_out])

        return "digest", measured

    monkeypatch.setattr(systems, "prepare", prepare)
    made = command_line.measure(options)
    assert len(asked) == 8
    assert "few-rows, seed 2, LinearSVC, character n-grams: out of memory" in " ".join(made.notes)
    assert made.tables[0].rows[0][5:] == ["1.0000 ± 0.0000", "1.0000 (1)", "1.0000 ± 0.0000", "1.0000 ± 0.0000", "none"]
    asked.clear()
    command_line.measure(options)
    assert asked == [(2, "svm")], "only what failed is tried again"
    options.budget_minutes, options.seeds = 0.0, [1, 2, 3]
    asked.clear()
    made = command_line.measure(options)
    assert not asked
    missing = "our linear baseline: few-rows 3; LinearSVC, character n-grams: few-rows 2, few-rows 3; fastText"
    assert missing in " ".join(made.notes)


def test_with_no_time_and_nothing_measured_the_command_says_so(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(systems, "prepare", lambda case, system: ("digest", dict))
    options.budget_minutes = 0.0
    with pytest.raises(command.NotReadyError, match="--budget-minutes"):
        command_line.measure(options)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sets", "nowhere"], "nowhere: known are opinions-3, "),
        (["--profiles", "fast"], "fast: known are quick, full"),
        (["--sets", ""], "nothing: known are"),
        (["--seeds", "one"], "'one': whole numbers"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_those_that_do(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        command_line.main(words)
    assert told in capsys.readouterr().err

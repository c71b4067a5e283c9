"""`data profile` of a file whose answers are numbers, or several labels in a cell: told, and drafted as such."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.ingest.rows import DataError
from pipeline.local import preflight
from pipeline.profiling import draft
from pipeline.profiling.answers import numbers, several
from pipeline.profiling.profile import profile

WORDS = {"great": 2.0, "good": 1.0, "bad": -1.0, "awful": -2.0}
TAGS = {"billing": "invoice", "login": "password", "speed": "slow"}


def write(path: Path, column: str, cells: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["text", column, "source"])
        for number, (text, cell) in enumerate(cells):
            writer.writerow([f"{text} {number}", cell, "web" if number % 3 else "shop"])
    return path


def prices(path: Path, rows: int = 240) -> Path:
    chance = random.Random(1)
    said = [chance.choices(list(WORDS), k=3) for _ in range(rows)]
    return write(
        path,
        "price",
        [
            (f"the film was {' and '.join(words)}", f"{100 + 10 * sum(map(WORDS.get, words)) + chance.random():.2f}")
            for words in said
        ],
    )


def tagged(path: Path, separator: str = ";", rows: int = 240) -> Path:
    chance = random.Random(2)
    cells = []
    for _ in range(rows):
        tags = [tag for tag in TAGS if chance.random() < 0.6] or ["speed"]
        text = " and ".join(f"the {TAGS[tag]}" for tag in tags)
        cells.append((text, json.dumps(tags) if separator == "json" else separator.join(tags)))
    return write(path, "tags", cells)


def drafted(file: Path, folder: Path, **options: str) -> tuple[Path, str]:
    found = profile(file, **options)
    config, schema = draft.paths("mine", folder)
    draft.write(found, "mine", config, schema, overwrite=True)
    return config, config.read_text(encoding="utf-8")


def test_a_column_of_many_numbers_is_drafted_as_a_number(tmp_path: Path) -> None:
    config, text = drafted(prices(tmp_path / "prices.csv"), tmp_path, label_column="price")
    for name in ("quick", "full"):
        task = loader.load(config, profile=name)
        assert (task.target.kind, task.target.column, task.edge) == ("number", "price", True)
        gate = task.edge_evaluator.gate
        assert (gate.max_accuracy_drop, set(gate.max_drop)) == (None, {"rmse"})
        assert 0.05 <= gate.max_drop["rmse"] < gate.max_slice_drop <= 0.3
        assert 0.5 <= gate.min_agreement < 1
        assert 0 < task.evaluator.thresholds["rmse"].max < 10, "a linear model is better than the mean"
        assert task.data.cleaning.conflicting_labels == "keep"
    found = preflight.check(task)
    assert found["rows"] == 240
    assert "R² 0.9" in text


def test_cells_with_several_labels_are_drafted_with_their_separator(tmp_path: Path) -> None:
    config, _ = drafted(tagged(tmp_path / "tags.csv"), tmp_path, label_column="tags")
    task = loader.load(config, profile="quick")
    assert (task.target.kind, task.target.names, task.edge) == ("many_labels", sorted(TAGS), True)
    assert set(task.edge_evaluator.gate.max_drop) == {"micro_f1"}
    assert task.target.cell.separator == ";"
    assert task.evaluator.thresholds["micro_f1"].min > 0.8
    assert task.trainer.class_weights == "none"
    found = preflight.check(task)
    assert (found["rows"], set(found["counts"]["tags"])) == (240, set(TAGS))
    assert sum(found["counts"]["tags"].values()) > 240, "a row counts for each of its labels"


def test_json_lists_are_found_and_a_kind_can_be_asked_for(tmp_path: Path) -> None:
    file = tagged(tmp_path / "tags.csv", "json")
    assert profile(file, label_column="tags")["target"]["separator"] == "json"
    one = profile(file, label_column="tags", target="one_label")
    assert one["target"]["kind"] == "one_label"
    assert '["billing", "login"]' in one["labels"]


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["a|b", "a", "b|c", "c", "a|c", "b"] * 4, "|"),
        (['["a", "b"]', '["a"]', "[]"] * 3, "json"),
        (["billing, refund", "login, password"] * 20, ""),  # two names with a comma in them
        (["good", "bad", "good/bad?"] * 9, ""),
        (["I like it, and you", "he does, too, or so"] * 9, ""),
        (["", " "], ""),
    ],
)
def test_a_separator_is_one_where_labels_stand_in_other_company(cells: list[str], separator: str) -> None:
    assert several.separator_of(cells, 1000) == separator


def test_what_numbers_are_like_is_told_without_holding_them() -> None:
    taken = numbers.Numbers()
    for value in ("1e6", "1000001", "1000002", "", "none", "inf"):
        taken.add("a text", value)
    taken.add("", "5")
    found = taken.found()
    assert found == {
        "rows": 3,
        "min": 1e6,
        "max": 1000002.0,
        "mean": 1000001.0,
        "deviation": pytest.approx(0.8165, abs=1e-3),
    }
    assert numbers.Numbers().found() == {"rows": 0}
    assert numbers.cross_validated([("a text", 1.0)] * 40, eval_rows=4) is None
    [note] = numbers.notes({"scores": {"r2": {"value": -0.1}}})
    assert "next to nothing" in note


def test_numbers_with_a_decimal_comma_are_told_and_taken_for_no_labels_between_commas(tmp_path: Path) -> None:
    chance = random.Random(6)
    cells = [("it was so and so", f"{chance.randint(1, 4)},{chance.randint(0, 9)}") for _ in range(200)]
    file = write(tmp_path / "stars.csv", "stars", cells)
    found = profile(file, label_column="stars")
    assert found["target"]["kind"] == "one_label"
    [told] = [note for note in found["notes"] if "decimal comma" in note]
    assert told.startswith(f"'stars' seems to hold numbers with a decimal comma, as {cells[0][1]!r}; with a point")
    with pytest.raises(DataError, match=r"stars\.csv: 'stars' seems to hold numbers with a decimal comma"):
        profile(file, label_column="stars", target="number")
    assert profile(file, label_column="stars", target="many_labels")["target"]["separator"] == ","


def test_one_label_or_none_is_something_to_learn(tmp_path: Path) -> None:
    file = tagged(tmp_path / "tags.csv", "|")
    config, _ = drafted(file, tmp_path, label_column="tags")
    only = [line.replace("login", "").replace("billing", "") for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("\n".join(line.replace("|", "") for line in only) + "\n", encoding="utf-8")
    task = loader.load(config, profile="quick", overrides=["target.none_allowed=true"])
    found = preflight.check(task)
    assert found["counts"]["tags"]["speed"] < found["rows"]
    with pytest.raises(DataError, match="so that there is nothing to learn"):
        preflight.check(loader.load(config, profile="quick", overrides=["data.cleaning.max_quarantined=0.9"]))

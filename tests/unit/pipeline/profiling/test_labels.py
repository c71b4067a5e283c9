"""Which values are labels, from two to a thousand, and what is told of their names and numbers."""

from __future__ import annotations

import math
import random
from pathlib import Path

from modules.training.settings import TrainerSettings

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.config import loader
from pipeline.profiling import columns, draft, label_names, roles, shipping, training
from pipeline.profiling.profile import profile


def column(values: dict[str, int], name: str = "label") -> columns.Column:
    counter = columns.ColumnCounter(name)
    for value, count in values.items():
        for _ in range(count):
            counter.add(value)
    return counter.column(sum(values.values()))


def write(path: Path, labels: list[str]) -> Path:
    rows = [f"the film was {label} and so on {number},{label}\n" for number, label in enumerate(labels)]
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("labels", [2, 77, 1_000])
def test_from_two_to_a_thousand_values_are_labels(labels: int) -> None:
    many = column({f"intent {number:04}": 4 for number in range(labels)})
    assert len(roles.labels_of(many)) == labels
    assert roles.find_label([many], "text").column == "label"


def test_more_than_a_thousand_are_none_and_the_reason_is_no_advice_to_take_the_same_column() -> None:
    choice = roles.find_label([column({f"v{number}": 4 for number in range(1_001)})], "text")
    assert choice.column == ""
    assert choice.reason.startswith("'label' cannot be it: it has 1001 values, more than the 1000 labels")


def test_the_rare_one_of_two_labels_is_no_slip() -> None:
    assert roles.labels_of(column({"fine": 594, "fraud": 5})) == ["fine", "fraud"]
    assert roles.labels_of(column({"fine": 594, "fraud": 2})) == ["fine"]
    reason = roles.find_label([column({"fine": 594, "fraud": 2})], "text").reason
    assert "of its 2 values 1 has 3 rows or more, one for each of train, eval and test; add rows" in reason
    assert "all 9 rows have the one value 'only'" in roles.find_label([column({"only": 9})], "text").reason


def test_the_rare_labels_at_the_end_of_a_long_tail_are_none_either() -> None:
    tail = {f"intent {number:02}": count for number, count in enumerate([510, 400, 200, 100, 40, 20, 10, 8, 6, 5, 3])}
    found = column({**{f"usual {number}": 400 for number in range(10)}, **tail, "intemt 00": 2})
    assert {*tail} <= {*roles.labels_of(found)}
    assert roles.rare_labels(found) == {"intemt 00": 2}
    gap = column({"good": 900, "bad": 800, "n/a": 7, "??": 4})
    assert roles.rare_labels(gap) == {"n/a": 7, "??": 4}


def test_a_measured_number_is_no_label_unless_its_name_says_so() -> None:
    prices = {f"{number / 4}": 10 for number in range(1, 60)}
    assert roles.find_label([column(prices, "price")], "text").column == ""
    assert roles.find_label([column({"0.5": 9, "1.0": 9, "1.5": 9}, "stars")], "text").column == "stars"


def test_seventy_seven_labels_are_drafted_whole_with_a_domain(tmp_path: Path) -> None:
    names = [f"intent_{number:02}" for number in range(77)]
    found = profile(write(tmp_path / "a.csv", names * 6))
    config_path, schema_path = draft.paths("a", tmp_path)
    draft.write(found, "a", config_path, schema_path, overwrite=False)
    config = loader.load(config_path, profile="quick")
    assert config.labels == names
    schema = text_format.Parse(schema_path.read_text(), schema_pb2.Schema())
    assert list(schema.string_domain[0].value) == names
    assert config.data.cleaning.max_quarantined == 0.2


def test_names_that_differ_by_case_or_blanks_alone_are_told() -> None:
    [told] = label_names.alike(["Positive", "positive", "positive ", "negative"])
    assert told.startswith('the labels "Positive", "positive", "positive " differ by case, blanks or')
    [blank] = label_names.alike([" ham", "spam"])
    assert blank.startswith('" ham": these labels begin or end with a blank')
    assert label_names.alike(["ham", "spam", "Ham and spam"]) == []
    [number] = label_names.alike(["0", "1", "1.0"])
    assert number.startswith('the labels "1", "1.0" differ by')
    assert label_names.alike(["0.5", "1.5", "nan", "inf"]) == []


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        (["0", "1"], "perhaps 0 = negative, 1 = positive"),
        (["1.0", "0.0"], "perhaps 0.0 = negative, 1.0 = positive"),
        (["True", "False"], "perhaps False = no, True = yes"),
        (["-1", "0", "1"], "perhaps -1 = negative, 0 = neutral, 1 = positive"),
        (["3", "5", "8"], "if they stand for something"),
    ],
)
def test_labels_that_are_values_get_names_suggested(labels: list[str], meant: str) -> None:
    [told] = label_names.notes(dict.fromkeys(labels, 100), {}, "spam")
    assert "are numbers or truth values, and a server will answer with them" in told
    assert meant in told


def test_few_rows_and_values_that_are_left_out_are_told_with_their_numbers() -> None:
    told = label_names.notes({"good": 600, "bad": 12}, {"goood": 2}, "mood")
    assert told[0].startswith('1 value is too rare for a label, its 2 rows will be quarantined: "goood" 2;')
    assert told[1].startswith('1 of 2 labels have fewer than 30 rows, the fewest "bad" with 12 (2.0%)')


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((50, 50), False), ((65, 35), False), ((87, 13), True), ((99, 1), True), ((51, 28, 5, 5, 4, 4, 2, 1), True)],
)
def test_uneven_labels_are_weighed_also_where_there_are_two(counts: tuple[int, ...], expected: bool) -> None:
    assert training.unbalanced({str(number): count for number, count in enumerate(counts)}) is expected


@pytest.mark.parametrize(("rows", "labels", "steps", "patience"), [(205, 8, 314, 13), (3_200, 3, 274, 2)])
def test_few_rows_get_their_steps_and_are_not_given_up_while_warming_up(
    rows: int, labels: int, steps: int, patience: int
) -> None:
    epochs = training.epochs(rows, labels)
    assert epochs * math.ceil(rows / 32) >= steps
    settings = yaml.safe_load("\n".join(["x: 0", *(line.strip() for line in training.patience_lines(epochs))]))
    assert settings.get("early_stopping_patience", TrainerSettings().early_stopping_patience) == patience


def test_a_draft_of_99_to_1_is_about_the_rare_label_and_its_floors_can_be_reached(tmp_path: Path) -> None:
    chance = random.Random(5)
    filler = [f"word{number}" for number in range(60)]
    rows = []
    for number in range(2_000):
        spam = number % 100 == 0
        words = chance.choices(filler, k=8) + (["prize"] if spam or chance.random() < 0.002 else [])
        chance.shuffle(words)
        rows.append(f"{' '.join(words)} {number},{'spam' if spam else 'ham'}\n")
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(rows))
    found = profile(path)
    config_path, schema_path = draft.paths("a", tmp_path)
    draft.write(found, "a", config_path, schema_path, overwrite=False)
    config = loader.load(config_path, profile="quick")
    assert (config.target.positive, config.target.decision.threshold) == ("spam", "auto")
    text = config_path.read_text()
    assert 'positive: "spam"  # 1.0% of the rows: to find it is what this is about' in text
    scores = found["linear"]["scores"]
    assert scores["pr_auc"]["value"] > 0.5, "a linear model finds it"
    floors = {name: bound.min for name, bound in config.evaluator.thresholds.items()}
    assert set(floors) == {"macro_f1", "balanced_accuracy", "pr_auc"}, "99 % are right without looking"
    for name, floor in floors.items():
        assert 0 <= floor < scores[name]["value"], "below what the linear model reaches, by what chance does on eval"
    gate = config.edge_evaluator.gate
    assert gate.max_macro_f1_drop >= 0.1, "two rare rows on eval prove little"
    assert gate.min_agreement < shipping.agreement_bound(0.95, 200), "two files need not have the same threshold"
    assert config.trainer.class_weights == "balanced"


@pytest.mark.parametrize(
    ("counts", "expected"), [((50, 50), None), ((87, 13), "1"), ((1, 99), "0"), ((90, 5, 5), None)]
)
def test_only_the_rare_one_of_two_labels_is_looked_for(counts: tuple[int, ...], expected: str | None) -> None:
    labels = {str(number): count for number, count in enumerate(counts)}
    assert training.looked_for(labels) == expected
    assert bool(training.decision(labels)) == bool(training.rare_drop(labels, 0.01, 200)) == (expected is not None)

"""`modules.datasets`: tasks read them by name, and each package's files become the rows that are promised."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

from modules.datasets import base as datasets
from modules.datasets.intents import dealt
from modules.machine import packages
from modules.registry import UnknownKindError

import pytest

from pipeline.config import loader
from pipeline.local import preflight


def _read(name: str) -> list[dict[str, str]]:
    with datasets.csv_file(name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def package(tmp_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The members of a package that a test fills, by the end of their names."""
    content: dict[str, str] = {}

    def fetch(_: packages.PackageFile, members: list[str]) -> dict[str, Path]:
        found = {}
        for member in members:
            found[member] = tmp_path / member.rsplit("/", 1)[1]
            found[member].write_text(content[found[member].name], encoding="utf-8")
        return found

    monkeypatch.setattr(packages, "fetch_members", fetch)
    return content


def test_each_name_of_the_table_has_a_text_and_a_label_and_says_what_it_is() -> None:
    for name in datasets.DATASETS.kinds:
        found = datasets.DATASETS[name]
        assert "label" in found.header, name
        assert found.what, name
    with pytest.raises(UnknownKindError, match=r"'veder' is no kind of data set; there are: .*vader"):
        datasets.csv_file("veder")


def test_topics_are_the_lines_behind_the_header_of_both_parts(package: dict[str, str]) -> None:
    head = "Category\tText\nd\tstring\nclass\t\n\t\n"
    package["reuters-r52-train.tab"] = f'{head}cocoa\t"bahia cocoa review "\n'
    package["reuters-r52-test.tab"] = f"{head}trade\tasian exporters\tfear\n"
    assert [tuple(row.values()) for row in _read("topics-52")] == [
        ("bahia cocoa review ", "cocoa"), ("asian exporters\tfear", "trade")
    ]  # fmt: skip


def test_chinese_reviews_have_chinese_labels_and_no_empty_line(package: dict[str, str]) -> None:
    package |= {"pos.txt": "很好\n\n  不错 \n", "neg.txt": "太差\n"}
    assert [tuple(row.values()) for row in _read("reviews-zh")] == [
        ("很好", "好评"), ("不错", "好评"), ("太差", "差评")
    ]  # fmt: skip


def test_no_template_of_the_intents_stands_in_two_splits(package: dict[str, str]) -> None:
    templates = [f"[please] say {{number}} {word}" for word in ("one", "two", "three", "four", "one")]
    package["en.json"] = json.dumps({
        "expansion_rules": {}, "lists": {"number": {"range": {"from": 1, "to": 3}}},
        "intents": {"HassSay": {"data": [{"sentences": templates}]}, "HassNod": {"data": [{"sentences": ["nod"]}]}},
    })  # fmt: skip
    found = _read("intents-en")
    assert {row["label"] for row in found} == {"Say", "Nod"}
    splits: dict[str, set[str]] = {}
    for row in found:
        splits.setdefault(row["template"], set()).add(row["split"])
    assert all(len(names) == 1 for names in splits.values()), "one of them stands there twice"
    assert Counter(name for names in splits.values() for name in names) == {"train": 3, "eval": 1, "test": 1}
    assert splits["nod"] == {"train"}


@pytest.mark.parametrize(("count", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (30, (24, 3, 3))])
def test_templates_are_dealt_so_that_there_is_something_to_learn_from_first(
    count: int, expected: tuple[int, int, int]
) -> None:
    found = Counter(dealt("say", [f"say {number}" for number in range(count)]).values())
    assert (found["train"], found["eval"], found["test"]) == expected


# Tasks that come with the project, and what their data sets hold.
TASKS = {
    "sentiment-3": (23_703, 3), "topics": (9_100, 52), "intents": (5_172, 42), "driving": (9_775, 2),
    "reviews-zh": (35_123, 2),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_data_set_from_the_package_registry_fits_the_task(
    task: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    monkeypatch.chdir(repository)
    for profile in ("quick", "full"):
        config = loader.load(f"configs/{task}.yaml", profile=profile)
        preflight.check_schema(config)
    found = preflight.check(config)
    assert (found["rows"], len(found["counts"]["label"])) == TASKS[task]
    assert not found["quarantined"]

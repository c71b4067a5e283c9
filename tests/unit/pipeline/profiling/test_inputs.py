"""`data profile --input`: columns beside the text become inputs of their kind, in a draft that runs as it is."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.local import preflight
from pipeline.profiling import draft
from pipeline.profiling.profile import ColumnChoiceError, profile

HEADER = ["text", "label", "price", "Shop no.", "seen", "lidar", "track", "bent"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path, chance = tmp_path / "mine.csv", random.Random(4)
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for number in range(240):
            label = chance.choice(("good", "bad"))
            shop, day = f"shop {chance.randrange(30)}", f"2024-05-{number % 28 + 1:02}T08:30:00"
            price = "" if number % 9 == 0 else f"{chance.random() * 40:.2f}"
            track = [[chance.random(), 2.0], [3.0, None], [1, 1]]
            bent = [1.0] * (2 + number % 2)
            text = f"the film was really {label} so number {number}"
            lists = [str(value).replace("None", "null") for value in ([1.5, number], track, bent)]
            writer.writerow([text, label, price, shop, day, *lists])
    return path


def test_each_kind_of_column_is_drafted_as_its_input_and_the_draft_fits_its_rows(file: Path, tmp_path: Path) -> None:
    found = profile(file, input_columns=["price", "Shop no.", "seen", "lidar", "track"])
    config, schema = draft.paths("mine", tmp_path)
    draft.write(found, "mine", config, schema, overwrite=True)
    for name in ("quick", "full"):
        task = loader.load(config, profile=name)
        kinds = {name: part.kind for name, part in task.inputs.items()}
        assert kinds == {
            "text": "text", "price": "number", "shop_no": "category", "seen": "time", "lidar": "vector",
            "track": "vector",
        }  # fmt: skip
        assert (task.inputs["lidar"].channels, task.inputs["track"].channels, task.inputs["track"].steps) == (2, 2, 3)
        assert task.inputs["shop_no"].most == 30
        assert task.inputs["text"].backbone.layers == ([0, 2, 5] if name == "quick" else [0, 1, 2, 3, 4, 5])
        assert task.inputs["text"].sequence_length < 64
        preflight.check_schema(task)
    checked = preflight.check(task)
    assert checked["rows"] == 240
    assert not checked["quarantined"]
    assert not {"price", "seen"} & set(task.data.columns.slices)


@pytest.mark.parametrize(("column", "told"), [
    ("bent", "'bent' holds lists of 2 lengths, the most frequent one in 120 of 240 cells"),
    ("colour", "there is no column 'colour'; the columns are: text, label, price"),
])  # fmt: skip
def test_a_column_that_is_no_input_is_told_with_the_reason(file: Path, column: str, told: str) -> None:
    with pytest.raises(ColumnChoiceError, match=told):
        profile(file, input_columns=[column])


def test_the_label_is_no_input(file: Path, tmp_path: Path) -> None:
    found = profile(file, input_columns=["label"])
    with pytest.raises(draft.DraftError, match="must all differ"):
        draft.write(found, "mine", *draft.paths("mine", tmp_path), overwrite=True)

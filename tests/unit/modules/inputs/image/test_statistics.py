"""How far two samples of pictures are apart, and what the report says and shows of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

from modules.inputs import kinds
from modules.inputs.image import report, statistics

import numpy as np
import pytest
from PIL import Image

PHOTO = kinds.read(
    {"photo": {"kind": "image", "column": "photo", "height": 8, "width": 200, "channels": 1, "optional": True}}
)["photo"]


def png(shade: int, size: tuple[int, int] = (6, 5)) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full(size, shade, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def profile(folder: Path, write: Callable[..., str], values: list[bytes], sample: int = 100) -> str:
    write(folder / "a.gz", [{"photo": [value]} for value in values])
    return statistics.summarise(PHOTO, [f"{folder}/*.gz"], label=None, sample=sample).to_json()


def test_darker_smaller_and_missing_pictures_are_measured(tmp_path: Path, write_examples: Callable[..., str]) -> None:
    values = [png(shade) for shade in range(100, 180, 2)]
    before = profile(tmp_path / "before", write_examples, values)
    assert profile(tmp_path / "again", write_examples, values[::-1]) == before, "whatever the order"
    now = profile(tmp_path / "now", write_examples, [png(shade, (3, 5)) for shade in range(60, 90)] + [b""] * 10)
    found = statistics.compare(now, before)
    distances = {one.feature: one.value for one in found.distances}
    assert found.rows == 40
    assert distances == {"brightness": 1.0, "contrast": 0.0, "width": 0.0, "height": 1.0, "missing": 0.25}
    assert {one.feature for one in found.distances} == set(PHOTO.part("bounds").model_fields)
    assert all(one.value == 0.0 for one in statistics.compare(before, before).distances)


def test_a_sample_is_the_same_in_any_order(tmp_path: Path, write_examples: Callable[..., str]) -> None:
    values = [png(shade) for shade in range(0, 250, 5)]
    one = profile(tmp_path / "one", write_examples, values, sample=10)
    assert profile(tmp_path / "two", write_examples, values[::-1], sample=10) == one
    assert '"sampled": 10' in one


def test_the_report_counts_brightness_and_shows_what_was_taken_wrongly(
    tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    rows = [{"photo_pixels": [png(shade, (8, 200))], "photo_present": [1.0]} for shade in (0, 100, 255)]
    pattern = write_examples(tmp_path / "a.gz", [*rows, {"photo_pixels": [png(0, (8, 200))], "photo_present": [0.0]}])
    found = report.facts(PHOTO, {"train": pattern}, limit=100)
    split = found["splits"]["train"]
    assert (split["rows"], split["missing"], sum(split["counts"])) == (4, 1, 3)
    assert split["brightness"] == pytest.approx(355 / 3)
    [plot] = report.plots("photo", found)
    assert plot.table is not None
    assert plot.table.rows == [["train", 4, "25.0 %", "118.3", "0.0"]]
    seen, nothing = report.shown(PHOTO, [png(77, (40, 30)), b""])
    assert nothing == ""
    image = Image.open(io.BytesIO(base64.b64decode(seen.removeprefix("data:image/png;base64,"))))
    assert image.size == (96, 4)
    assert (np.asarray(image) == 77).all()

"""Pictures in rows: files beside them, base64 and bytes become examples; what cannot be used is kept back."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path
from typing import Any

from modules.rows.raw import read_raw_split
from modules.targets.one_label.target import OneLabel
from modules.tensors import Column

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import cleaning, duplicates, example_gen, pictures, sources
from pipeline.ingest.cleaning import Quarantined
from pipeline.ingest.rows import Layout, Row
from pipeline.ingest.sources.base import Record, open_local


def png(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((5, 4), shade, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def layout(kind: Any = "image", text: str = "") -> Layout:
    return Layout(text, "label", (), ("a", "b"), others=(Column("photo", kind),))


def checked(folder: Path, cells: list[str], kind: Any = "image") -> list[Row | Quarantined]:
    """Rows of a CSV file in a folder that has `pictures/one.png` and the same under another name."""
    (folder / "pictures").mkdir(exist_ok=True)
    for name in ("one", "other"):
        (folder / "pictures" / f"{name}.png").write_bytes(png(7))
    with (folder / "rows.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["photo", "label"])
        writer.writerows([cell, "a"] for cell in cells)
    check = cleaning.row_check(layout(kind), CleaningConfig())
    return [check(record) for record in sources.read(str(folder / "rows.csv"), SourceConfig(), ("photo", "label"))]


def test_the_same_picture_is_one_row_however_it_is_given(tmp_path: Path) -> None:
    plain = base64.b64encode(png(7)).decode()
    names = ["pictures/one.png", " pictures/other.png", "./pictures/one.png"]
    found = checked(tmp_path, [*names, plain, f"data:image/png;base64,{plain}"])
    rows = [row for row in found if isinstance(row, Row)]
    assert len(rows) == 5
    assert len({row.text for row in rows}) == 1, "by its bytes, wherever it lies"
    assert "iVBOR" not in rows[0].text
    decided = list(duplicates.resolve(rows, CleaningConfig(), layout()))
    assert [item.reason for item in decided if isinstance(item, Quarantined)] == ["duplicate"] * 4
    for row in rows:
        example = example_gen.to_example(row, layout())
        assert example.features.feature["photo"].bytes_list.value[0] == png(7)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("", "column 'photo' is empty; fill in the picture, or set `optional: true`"),
        ("pictures/none.png", r"pictures/none\.png: cannot be read \(No such file"),
        ("pictures", "cannot be read"),
        ("../secret.png", r"no name of a file below the folder of the rows; put the pictures beside them"),
        ("/etc/passwd", "no name of a file below"),
        ("pictures\\..\\..\\a.png", "no name of a file below"),
        ("file:///etc/passwd", "no name of a file below"),
        ("gs://bucket/a.png", "no name of a file below"),
        ("rows.csv", "it is neither a JPEG nor a PNG"),
        ("iVBORw0KGgoAAAA", "it is damaged"),
        ("data:image/gif;base64,R0lGODlhAQABAAAAACw=", "neither a JPEG nor a PNG"),
    ],
)
def test_a_row_whose_picture_cannot_be_used_is_kept_back_with_the_reason(tmp_path: Path, cell: str, told: str) -> None:
    [found] = checked(tmp_path, [cell])
    assert isinstance(found, Quarantined)
    assert (found.reason, found.line, found.label) == ("unusable_image", 2, "a")
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(found.detail)


@pytest.mark.parametrize("cell", ["a\0b.png", "\ud800.png"])
def test_a_name_that_no_file_can_have_keeps_its_row_back_as_well(tmp_path: Path, cell: str) -> None:
    record = Record({"photo": cell, "label": "a"}, str(tmp_path / "rows.jsonl"), 1)
    found = cleaning.row_check(layout(), CleaningConfig())(record)
    assert isinstance(found, Quarantined)
    assert found.reason == "unusable_image"
    assert "no file can have such a name" in found.detail
    assert repr(cell) in found.detail


def test_where_a_picture_may_be_missing_a_row_without_one_stays(tmp_path: Path) -> None:
    [found] = checked(tmp_path, [""], "optional image")
    assert isinstance(found, Row)
    example = example_gen.to_example(found, layout("optional image"))
    assert example.features.feature["photo"].bytes_list.value[0] == b""


def test_bytes_of_tfrecord_and_parquet_are_pictures_for_their_column_alone(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def bytes_of(value: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = tf.train.Features(feature={"photo": bytes_of(png(9)), "label": bytes_of(b"a")})
    with tf.io.TFRecordWriter(str(tmp_path / "rows.tfrecord")) as writer:
        writer.write(tf.train.Example(features=features).SerializeToString())
    pq.write_table(pa.table({"photo": [png(9)], "label": ["a"]}), tmp_path / "rows.parquet")
    for name in ("rows.tfrecord", "rows.parquet"):
        [record] = sources.read(str(tmp_path / name), SourceConfig(), ("photo", "label"))
        row = cleaning.row_check(layout(), CleaningConfig())(record)
        assert isinstance(row, Row)
        assert pictures.content(row.others[0], open_local) == png(9)
        as_text = cleaning.row_check(Layout("photo", "label", (), ("a",)), CleaningConfig())(record)
        assert isinstance(as_text, Quarantined)
        assert "the value of 'photo' is a picture, not text" in as_text.detail


def test_a_file_that_changes_while_it_is_read_stops_the_run(tmp_path: Path) -> None:
    [row] = checked(tmp_path, ["pictures/one.png"])
    assert isinstance(row, Row)
    (tmp_path / "pictures" / "one.png").write_bytes(png(8))
    with pytest.raises(pictures.PictureError, match=r"one\.png: has changed while the rows were read"):
        example_gen.to_example(row, layout())


def test_raw_rows_keep_the_bytes_and_say_what_they_are(tmp_path: Path) -> None:
    [row] = checked(tmp_path, ["pictures/one.png"])
    assert isinstance(row, Row)
    with tf.io.TFRecordWriter(str(tmp_path / "a.gz"), "GZIP") as writer:
        writer.write(example_gen.to_example(row, layout()).SerializeToString())
    split = read_raw_split(
        [str(tmp_path / "a.gz")], text="", target=OneLabel(column="label", labels=["a", "b"]), slices=(),
        others={"photo": "image"},
    )  # fmt: skip
    assert split.others["photo"] == [png(7)]
    assert split.texts[0].startswith("photo=PNG 4 × 5, ")

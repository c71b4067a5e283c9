"""The same rows in every form that a source reads."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pipeline.config.rows.source import SourceConfig

Rows = Sequence[dict[str, str]]
FILES = ("csv", "jsonl", "parquet", "tfrecord", "tfrecord.gz", "sql")


def write(folder: Path, form: str, rows: Rows) -> tuple[Path, SourceConfig]:
    """Writes rows.

    Args:
        folder: where to.
        form: one of `FILES`.
        rows: text by column; the same columns in each.

    Returns:
        The file, and how it is read.
    """
    file = folder / f"rows.{form}"
    columns = list(rows[0])
    if form == "csv":
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows(rows)
    elif form == "jsonl":
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif form == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(list(rows)), file, row_group_size=2)
    elif form.startswith("tfrecord"):
        _write_tfrecord(file, rows)
    else:
        return _write_sqlite(file, rows)
    return file, SourceConfig()


def _write_tfrecord(file: Path, rows: Rows) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(file), options="GZIP" if file.suffix == ".gz" else "") as out:
        for row in rows:
            example = tf.train.Example()
            for name, value in row.items():
                example.features.feature[name].bytes_list.value.append(value.encode())
            out.write(example.SerializeToString())


def _write_sqlite(file: Path, rows: Rows) -> tuple[Path, SourceConfig]:
    columns = list(rows[0])
    database = file.with_suffix(".db")
    with sqlite3.connect(database) as connection:
        connection.execute(f"CREATE TABLE reviews ({', '.join(f'{name} TEXT' for name in columns)})")
        connection.executemany(
            f"INSERT INTO reviews VALUES ({', '.join('?' * len(columns))})", [tuple(row.values()) for row in rows]
        )
    connection.close()
    file.write_text(f"SELECT {', '.join(columns)} FROM reviews ORDER BY rowid;\n", encoding="utf-8")
    return file, SourceConfig.model_validate({"sql": {"url": f"sqlite:///{database}"}})


def packed(file: Path) -> Path:
    """The same file, gzipped."""
    target = file.with_name(f"{file.name}.gz")
    target.write_bytes(gzip.compress(file.read_bytes()))
    return target

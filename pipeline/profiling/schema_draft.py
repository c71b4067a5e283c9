"""Drafts a schema for a new task from its rows, to be read and corrected by a person."""

from __future__ import annotations

from pathlib import Path

from modules.machine.files import write_whole

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.ingest import rows

_LARGEST_DOMAIN = 50


def draft(counts: dict[str, dict[str, int]], layout: rows.Layout) -> schema_pb2.Schema:
    """Makes a schema that the rows which were counted fit exactly.

    Args:
        counts: rows by column and value, as `pipeline.ingest.rows.count_rows` gives them.
        layout: which column is what.

    Returns:
        Features for text, label, slices, further inputs and the text's hash, each present in every row; domains for
        the label, however many there are, if a row has one, and for slice columns of at most 50 values.
    """
    schema = schema_pb2.Schema()
    types = {"text": schema_pb2.BYTES, "integer": schema_pb2.INT, "number": schema_pb2.FLOAT}
    added = (rows.TEXT_HASH, rows.SPLIT_KEY) if layout.split.column else (rows.TEXT_HASH,)
    others = {column.name: "number" if column.type.endswith("number") else "text" for column in layout.others}
    others = {name: kind for name, kind in others.items() if name not in layout.slices}
    for name in (layout.text, layout.label, *layout.slices, *others, *added):
        kind = layout.cell.type if name == layout.label else others.get(name, "text")
        feature = schema.feature.add(name=name, type=types[kind])
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
        feature.shape.dim.add(size=1)
        if name == layout.label and layout.cell.separator:
            continue  # a cell holds several labels, which are looked for when rows are cleaned
        values = layout.labels if name == layout.label else sorted(counts.get(name, ()))
        if values and (name == layout.label or len(values) <= _LARGEST_DOMAIN):
            feature.domain = name
            schema.string_domain.add(name=name, value=values)
    return schema


def write(schema: schema_pb2.Schema, path: Path, *, overwrite: bool) -> None:
    """Writes a schema as text.

    Args:
        schema: the draft.
        path: where to.
        overwrite: replace a file that is there.

    Raises:
        FileExistsError: there is one, and it must not be replaced.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: there is a schema already; `--force` replaces it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(
        path,
        "# A draft from the data: read it, and make it say what the data must look like.\n"
        + text_format.MessageToString(schema),
    )

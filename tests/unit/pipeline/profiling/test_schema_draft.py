"""`pipeline.profiling.schema_draft`: a first schema for a new task, which a person then corrects."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.ingest.rows import Layout
from pipeline.profiling import schema_draft

LAYOUT = Layout("body", "mood", ("shop", "user"), ("bad", "good", "never seen"))
COUNTS = {
    "mood": {"good": 3, "bad": 1},
    "shop": {"b": 2, "a": 2},
    "user": {f"user {number}": 1 for number in range(51)},
}


@pytest.fixture
def features() -> dict[str, schema_pb2.Feature]:
    return {feature.name: feature for feature in schema_draft.draft(COUNTS, LAYOUT).feature}


def test_every_column_and_the_hash_is_a_text_that_every_row_has_once(features: dict) -> None:
    assert list(features) == ["body", "mood", "shop", "user", "text_hash"]
    for feature in features.values():
        assert feature.type == schema_pb2.BYTES
        assert feature.presence.min_fraction == 1.0
        assert [dim.size for dim in feature.shape.dim] == [1]


def test_labels_and_small_slices_have_a_domain_and_large_ones_have_none(features: dict) -> None:
    domains = {domain.name: list(domain.value) for domain in schema_draft.draft(COUNTS, LAYOUT).string_domain}
    assert domains == {"mood": ["bad", "good", "never seen"], "shop": ["a", "b"]}
    assert [name for name, feature in features.items() if feature.domain] == ["mood", "shop"]


def test_a_draft_can_be_read_again(tmp_path: Path) -> None:
    schema = schema_draft.draft(COUNTS, LAYOUT)
    path = tmp_path / "new" / "task" / "schema.pbtxt"
    schema_draft.write(schema, path, overwrite=False)
    assert text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema()) == schema
    assert [file.name for file in path.parent.iterdir()] == ["schema.pbtxt"]


def test_a_curated_schema_is_not_overwritten_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "schema.pbtxt"
    path.write_text("# curated\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"there is a schema already; `--force` replaces it"):
        schema_draft.write(schema_pb2.Schema(), path, overwrite=False)
    assert path.read_text(encoding="utf-8") == "# curated\n"
    schema_draft.write(schema_pb2.Schema(), path, overwrite=True)
    assert path.read_text(encoding="utf-8").startswith("# A draft from the data")

"""`pipeline.ingest.span_driver`: the window that an ExampleGen reads, and what its cache key holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.rows.settings import Columns
from modules.targets.cell import Cell

import pytest
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.config.rows.spans import SpansConfig
from pipeline.config.rows.splits import SplitRule
from pipeline.ingest import custom_config, span_driver, spans
from pipeline.ingest.custom_config import FilesNodeSettings
from pipeline.ingest.example_gen import ExampleGenNodeSettings
from pipeline.ingest.serving_logs import ServingExampleGenNodeSettings

PATTERN = "span-{SPAN}/version-{VERSION}/*"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("span-1/version-1", "span-2/version-1", "span-2/version-2"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "rows.csv").write_text(name)
    return tmp_path


def resolved(base: Path, *, marker: str | None = None, pattern: str = PATTERN, **values: Any) -> dict[str, Any]:
    """What the driver makes of ExampleGen's properties."""
    splits = [example_gen_pb2.Input.Split(name="all", pattern=pattern)]
    properties = {
        standard_component_specs.INPUT_BASE_KEY: str(base),
        standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
        standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(
            custom_config.packed(FilesNodeSettings(marker=marker))
        ),
    }
    if pattern == PATTERN:
        window = span_driver.range_config(SpansConfig(**values))
        properties[standard_component_specs.RANGE_CONFIG_KEY] = proto_utils.proto_to_json(window)
    found = span_driver.SpanDriver(None).resolve_exec_properties(properties, None, None)
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(found[standard_component_specs.INPUT_CONFIG_KEY], config)
    return {
        **found,
        "files": [os.path.relpath(file, base) for file in spans.expand(str(base), config.splits[0].pattern)],
    }


def test_the_newest_span_is_read_in_its_newest_version(base: Path) -> None:
    found = resolved(base)
    assert (found["span"], found["version"], found["files"]) == (2, 2, ["span-2/version-2/rows.csv"])


def test_a_window_reads_earlier_spans_too(base: Path) -> None:
    found = resolved(base, window=2)
    assert (found["span"], found["files"]) == (2, ["span-1/version-1/rows.csv", "span-2/version-2/rows.csv"])
    assert resolved(base, span=2, window=2)["files"] == found["files"]
    assert resolved(base, span=1, window=2)["files"] == ["span-1/version-1/rows.csv"]


def test_a_change_of_any_member_of_the_window_changes_the_cache_key(base: Path) -> None:
    before, alone = resolved(base, window=2)["input_fingerprint"], resolved(base)["input_fingerprint"]
    assert resolved(base, window=2)["input_fingerprint"] == before
    (base / "span-1" / "version-1" / "rows.csv").write_text("another content")
    assert resolved(base, window=2)["input_fingerprint"] != before
    assert resolved(base)["input_fingerprint"] == alone


@pytest.mark.parametrize("pattern", [PATTERN, "rows.csv"])
def test_other_rows_of_equal_size_and_time_are_other_rows(base: Path, pattern: str) -> None:
    """As `cp -p` and `rsync -t` leave them."""
    (base / "rows.csv").write_text("a,b")
    file = base / ("rows.csv" if pattern == "rows.csv" else "span-2/version-2/rows.csv")
    before, stamp = resolved(base, pattern=pattern)["input_fingerprint"], file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert resolved(base, pattern=pattern)["input_fingerprint"] != before


def test_a_copy_with_another_time_is_the_same_rows(base: Path) -> None:
    before = resolved(base)["input_fingerprint"]
    os.utime(base / "span-2" / "version-2" / "rows.csv", (1, 1))
    assert resolved(base)["input_fingerprint"] == before


def test_the_marker_reaches_the_driver(base: Path) -> None:
    (base / "span-2" / "version-1" / "_SUCCESS").touch()
    found = resolved(base, marker="_SUCCESS")
    assert (found["span"], found["version"], found["files"]) == (2, 1, ["span-2/version-1/rows.csv"])


def test_a_span_that_is_not_there_is_told(base: Path) -> None:
    with pytest.raises(spans.SpanError, match=r"there is no complete span 7; next to it is 2"):
        resolved(base, span=7)


def test_a_plain_file_is_as_with_tfx(base: Path) -> None:
    (base / "rows.csv").write_text("x")
    found = resolved(base, pattern="rows.csv")
    assert (found["span"], found["version"], found["files"]) == (0, None, ["rows.csv"])


@pytest.mark.parametrize(
    "given",
    [
        ExampleGenNodeSettings(cell=Cell(), split=SplitRule(), columns=Columns(), labels=["a", "b"]),
        ServingExampleGenNodeSettings(text="text"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_container_finds_the_same(base: Path, given: FilesNodeSettings) -> None:
    """TFX's container driver makes the processor itself, from what `container_processor` gives it."""
    config = proto_utils.proto_to_json(custom_config.packed(given))
    splits = [example_gen_pb2.Input.Split(name="all", pattern=PATTERN)]
    processor = span_driver.container_processor(config)(
        str(base), splits, span_driver.range_config(SpansConfig(window=2))
    )
    span, version = processor.resolve_span_and_version()
    expected = resolved(base, window=2)
    assert (span, version, processor.get_input_fingerprint(span, version)) == (
        expected["span"], expected["version"], expected["input_fingerprint"],
    )  # fmt: skip
    assert processor.get_pattern_for_span_version(PATTERN, span, version).count("\n") == 1

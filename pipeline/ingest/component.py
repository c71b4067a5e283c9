"""ExampleGen as a component: the file-based one, for spans, whose cache also goes by the rows behind an SQL query.

TFX's driver takes a fingerprint of the input files. A query's file stays the same while its rows change, so for an SQL
source the driver asks the database, too: for the watermark that the configuration names, else for a digest of all rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx.components.example_gen import utils
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs

from pipeline.ingest import example_gen, files, sources
from pipeline.ingest.custom_config import FilesNodeSettings, unpacked
from pipeline.ingest.sources import sql
from pipeline.ingest.span_driver import SpanDriver


def rows_fingerprint(properties: Mapping[str, Any]) -> str:
    """What the rows behind a query are known by.

    Args:
        properties: execution properties of an ExampleGen, with the pattern of the input resolved.

    Returns:
        An addition to the fingerprint of the files; empty where the files are the rows themselves.

    Raises:
        DataError: the database cannot be reached, or a query fails.
    """
    source = unpacked(properties, FilesNodeSettings).source
    base = properties[standard_component_specs.INPUT_BASE_KEY]
    [split] = json.loads(properties[standard_component_specs.INPUT_CONFIG_KEY])["splits"]
    found = [
        sql.fingerprint(path, source, opener=files.open_file)
        for path in files.matching(base, split["pattern"])
        if sources.format_of(path, source) == "sql"
    ]
    return "".join(f",rows:{item}" for item in found)


class RowsDriver(SpanDriver):
    """The driver that knows spans, with the rows of a query in the fingerprint."""

    def resolve_exec_properties(self, exec_properties: dict[str, Any], *args: Any) -> dict[str, Any]:
        """TFX's hook."""
        found = super().resolve_exec_properties(exec_properties, *args)
        found[utils.FINGERPRINT_PROPERTY_NAME] += rows_fingerprint(found)
        return found


class RowsExampleGen(FileBasedExampleGen):
    """Rows of any source to examples; see `pipeline.ingest.example_gen`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(example_gen.RowsExecutor)
    DRIVER_CLASS = RowsDriver

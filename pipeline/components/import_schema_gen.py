"""ImportSchemaGen whose cache goes by what the schema says: TFX's goes by the name of its file alone."""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

CONTENT = "content"


class ImportSchemaGenSpec(standard_component_specs.ImportSchemaGenSpec):
    """TFX's, with a digest of the file."""

    PARAMETERS = {
        **standard_component_specs.ImportSchemaGenSpec.PARAMETERS,
        CONTENT: component_spec.ExecutionParameter(type=str),
    }


class ImportSchemaGen(base_component.BaseComponent):
    """Imports the curated schema."""

    SPEC_CLASS = ImportSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: str, content: str) -> None:
        """Wires the node.

        Args:
            schema_file: a local path or a URI.
            content: digest of the file; empty where it cannot be read from here.
        """
        super().__init__(
            ImportSchemaGenSpec(
                schema_file=schema_file, content=content, schema=types.Channel(type=standard_artifacts.Schema)
            )
        )

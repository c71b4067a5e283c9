"""What artifacts say of themselves beside their content: their span, and that they stand for nothing."""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types
from tfx.components.example_gen.utils import SPAN_PROPERTY_NAME

# Custom property of an output that stands for nothing; `pipeline.kubeflow.container.inputs` drops such an input.
ABSENT = "absent"


def span_of(artifact: types.Artifact) -> int:
    """The span of examples or statistics; 0 without one, as TFX has it."""
    # ExampleGen's driver sets a custom property, StatisticsGen the property.
    return artifact.span or artifact.get_int_custom_property(SPAN_PROPERTY_NAME) or 0

"""TFX 1.21: ExampleGen's driver in a container of Kubeflow or Vertex AI, with a processor of our own.

On one machine a component names the driver class that finds its spans. In a container TFX runs a driver of its own,
which asks no component and always makes a `FileBasedInputProcessor`: it knows neither windows of spans nor versions
that are still being written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

_GAP = Gap("tfx", __name__)


def drive(arguments: argparse.Namespace, processor: Callable[..., Any]) -> None:
    """Runs TFX's driver.

    Args:
        arguments: what `driver.main` takes.
        processor: called as `FileBasedInputProcessor` is, with input base, splits and range.

    Raises:
        GapError: TFX's driver found its files in another way.
    """
    _GAP.require(driver, "input_processor")
    with _GAP.replaced(driver.input_processor, "FileBasedInputProcessor", processor):
        driver.main(arguments)

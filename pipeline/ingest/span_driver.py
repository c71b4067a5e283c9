"""Which spans an ExampleGen reads, found out before its cache is asked: on this machine, Kubeflow and Vertex AI alike.

TFX's own driver reads one span and takes any version for complete. This one reads a window of spans, passes over a
version that is being written, and puts the fingerprints of all files into the cache key.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx.components.example_gen import driver, input_processor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_component_specs
from tfx.utils import io_utils

from pipeline.config.rows import span_pattern
from pipeline.config.rows.spans import SpansConfig
from pipeline.ingest import spans
from pipeline.ingest.custom_config import FilesNodeSettings, unpacked


def range_config(config: SpansConfig) -> range_config_pb2.RangeConfig:
    """The window in TFX's own message."""
    if config.span == "latest":
        return range_config_pb2.RangeConfig(rolling_range=range_config_pb2.RollingRange(num_spans=config.window))
    first = max(0, config.span - config.window + 1)
    static = range_config_pb2.StaticRange(start_span_number=first, end_span_number=config.span)
    return range_config_pb2.RangeConfig(static_range=static)


class WindowProcessor(input_processor.FileBasedInputProcessor):
    """Finds the files of a window; without placeholders in the pattern it does what TFX's does."""

    def __init__(
        self,
        input_base_uri: str,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        *,
        marker: str | None = None,
    ) -> None:
        """Keeps what is to be found.

        Args:
            input_base_uri: the input base.
            splits: the one input split.
            range_config: the window; None reads the newest span.
            marker: see `spans.complete`.
        """
        super().__init__(input_base_uri, splits)  # it refuses a window, so it is not shown one
        [split] = splits
        self._base = input_base_uri
        self._path = f"{input_base_uri.rstrip('/')}/{split.pattern}"
        self._name, self._range, self._marker = split.name, range_config, marker
        self._chosen: list[spans.SpanVersion] = []

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """TFX's hook: the number and version of the newest span of the window."""
        if not span_pattern.has_spans(self._path):
            return super().resolve_span_and_version()
        newest, count = _newest_and_count(self._range)
        self._chosen = spans.window(self._path, newest=newest, count=count, glob=fileio.glob, marker=self._marker)
        return self._chosen[-1].span, self._chosen[-1].version

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """TFX's hook: the fingerprints of all files that are read."""
        if not self._chosen:
            return super().get_input_fingerprint(span, version)
        return "\n".join(
            f"{item.name} {io_utils.generate_fingerprint(self._name, f'{self._base}/{item.pattern}')}"
            for item in self._chosen
        )

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        """TFX's hook: what the executor reads, see `spans.expand`."""
        if not self._chosen:
            return super().get_pattern_for_span_version(pattern, span, version)
        return spans.joined(self._chosen)


def container_processor(custom_config: str) -> functools.partial[WindowProcessor]:
    """What takes the place of TFX's class inside a container.

    Args:
        custom_config: ExampleGen's execution property of this name.
    """
    return functools.partial(
        WindowProcessor, marker=_marker({standard_component_specs.CUSTOM_CONFIG_KEY: custom_config})
    )


class SpanDriver(driver.FileBasedDriver):
    """TFX's driver with windows."""

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """TFX's hook."""
        self._marker = _marker(exec_properties)
        return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> WindowProcessor:
        """TFX's hook."""
        return WindowProcessor(input_base_uri or "/", splits, range_config, marker=self._marker)


def _newest_and_count(window: range_config_pb2.RangeConfig | None) -> tuple[int | None, int]:
    if window is None:
        return None, 1
    if window.HasField("static_range"):
        newest = window.static_range.end_span_number
        return newest, newest - window.static_range.start_span_number + 1
    return None, window.rolling_range.num_spans


def _marker(exec_properties: Mapping[str, Any]) -> str | None:
    return unpacked(exec_properties, FilesNodeSettings).marker

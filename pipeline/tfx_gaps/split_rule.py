"""TFX 1.21: which split of ExampleGen's a row falls into, asked before it is there.

TFX divides rows by a private function, and offers the outcome as a whole PCollection only. A varied row must know its
split before it becomes a row; a rule of our own that drifted from TFX's would let test rows into the training.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

import tensorflow as tf
from tfx.components.example_gen import base_example_gen_executor as tfx_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

_GAP = Gap("tfx", __name__)


class Division:
    """How rows are divided into splits, by TFX's own rule."""

    def __init__(self, config: example_gen_pb2.SplitConfig, index: int) -> None:
        """Keeps what the workers need.

        Args:
            config: of ExampleGen's output.
            index: of the split.

        Raises:
            GapError: TFX divides rows in another way.
        """
        _GAP.require(tfx_executor, "_PartitionFn")
        _GAP.require_parameters(tfx_executor._PartitionFn, "record", "num_partitions", "buckets", "split_config")
        _GAP.require_use(tfx_executor.BaseExampleGenExecutor, "GenerateExamplesByBeam", "_PartitionFn")
        self._config, self._index = config.SerializeToString(), index

    @classmethod
    def of(cls, exec_properties: Mapping[str, Any], split: str) -> Division:
        """The rule of a node.

        Args:
            exec_properties: ExampleGen's.
            split: name of the split.

        Raises:
            GapError: TFX divides rows in another way.
        """
        output = example_gen_pb2.Output()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.OUTPUT_CONFIG_KEY], output)
        return cls(output.split_config, [item.name for item in output.split_config.splits].index(split))

    def key(self, feature: str, name: str) -> str:
        """A value of the feature that is hashed with which an example falls into the split.

        Args:
            feature: the partition feature.
            name: what the value begins with.
        """

        def falls(value: str) -> bool:
            example = tf.train.Example()
            example.features.feature[feature].bytes_list.value.append(value.encode())
            return self.holds(example)

        return next(filter(falls, (f"{name}-{number}" for number in itertools.count())))

    def holds(self, example: tf.train.Example) -> bool:
        """Whether a row falls into the split."""
        config = example_gen_pb2.SplitConfig.FromString(self._config)
        edges: list[int] = []
        for item in config.splits:
            edges.append((edges[-1] if edges else 0) + item.hash_buckets)
        return tfx_executor._PartitionFn(example, len(edges), edges, config) == self._index

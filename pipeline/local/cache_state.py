"""What a run would execute and what it would take from the cache, found out without running anything."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.history.states import CACHED, RESOLVED
from pipeline.local import execute
from pipeline.tfx_gaps.launcher import would_run

PENDING = "to run"


def cache_state(ir: pipeline_pb2.Pipeline, metadata_file: Path) -> dict[str, str]:
    """Tries every node up to the point where it would be executed, against a copy of the metadata.

    Args:
        ir: the compiled pipeline; changed in place.
        metadata_file: the SQLite store, which need not exist yet; it is not written to.

    Returns:
        By node id, in topological order: `cached`, `resolved` (a look-up) or `to run`.
    """
    runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: "cache-state"})
    states: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / metadata_file.name
        if metadata_file.is_file():
            shutil.copyfile(metadata_file, copy)
        connection = metadata.sqlite_metadata_connection_config(str(copy))
        for node in (item.pipeline_node for item in ir.nodes):
            node_id = node.node_info.id
            if any(states.get(name) == PENDING for name in node.upstream_nodes):
                states[node_id] = PENDING
                continue
            attempt = execute.node_launcher(ir, node, connection)
            if execute.is_resolver(node):
                attempt.launch()
                states[node_id] = RESOLVED
                continue
            with execute.verified_cache([]):
                states[node_id] = PENDING if would_run(attempt) else CACHED
    return states

"""Runs a compiled pipeline in this process, node by node, as LocalDagRunner does, and tells an observer about it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from modules.machine import progress  # and settles Keras 2 before TFX imports TensorFlow

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration import pipeline as pipeline_py
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.history import published
from pipeline.history.states import CACHED, EXECUTED, FAILED, RESOLVED, NodeResult
from pipeline.history.store import context_name
from pipeline.redaction.redact import redact
from pipeline.tfx_gaps import cached_outputs

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"


class Observer(Protocol):
    """Who wants to know where a run is."""

    def started(self, node: str) -> None:
        """A node begins."""

    def ended(self, result: NodeResult) -> None:
        """A node has ended."""


class NodeError(RuntimeError):
    """A node failed; `node` is its id and `__cause__` what it raised."""

    def __init__(self, node: str, cause: BaseException) -> None:
        """Keeps the node's id."""
        super().__init__(redact(f"{node} failed: {cause}"))
        self.node = node


def compile_pipeline(pipeline: pipeline_py.Pipeline) -> pipeline_pb2.Pipeline:
    """Compiles to TFX's intermediate representation."""
    return compiler.Compiler().compile(pipeline)


def node_ids(ir: pipeline_pb2.Pipeline) -> list[str]:
    """The ids of all nodes, in topological order."""
    return [node.pipeline_node.node_info.id for node in ir.nodes]


def is_resolver(node: pipeline_pb2.PipelineNode) -> bool:
    """Whether a node only looks artifacts up."""
    return node.node_info.type.name == _RESOLVER


def downstream(ir: pipeline_pb2.Pipeline, start: str) -> set[str]:
    """A node and all that depend on it, directly or not."""
    found = {start}
    for node in ir.nodes:  # in topological order, so one pass is enough
        if set(node.pipeline_node.upstream_nodes) & found:
            found.add(node.pipeline_node.node_info.id)
    return found


def upstream(ir: pipeline_pb2.Pipeline, end: str) -> set[str]:
    """A node and all that it depends on, directly or not."""
    found = {end}
    for node in reversed(ir.nodes):
        if set(node.pipeline_node.downstream_nodes) & found:
            found.add(node.pipeline_node.node_info.id)
    return found


def run(
    ir: pipeline_pb2.Pipeline,
    run_id: str,
    observer: Observer,
    *,
    chosen: Collection[str] | None = None,
    uncached: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> list[NodeResult]:
    """Launches the nodes one after another.

    Args:
        ir: the compiled pipeline; changed in place.
        run_id: name of the run in the metadata.
        observer: told about every node.
        chosen: the only nodes to launch; all of them if None.
        uncached: nodes to execute even if the cache has their outputs.
        stopped: whether somebody asked for an end, so that an error in a node is no fault of its own.

    Returns:
        One result per launched node.

    Raises:
        NodeError: a node failed; nothing after it was launched.
        KeyboardInterrupt: somebody asked for an end.
    """
    runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    connection = connection_config(ir)
    results = []
    for node in (item.pipeline_node for item in ir.nodes):
        node_id = node.node_info.id
        if chosen is not None and node_id not in chosen:
            continue
        if node_id in uncached:
            node.execution_options.caching_options.enable_cache = False
        observer.started(node_id)
        started = time.monotonic()
        faults: list[str] = []
        try:
            with verified_cache(faults):
                info = node_launcher(ir, node, connection).launch()
            state = _state(node, info, connection)
            # Nothing was wrong where an older execution had left the same and it is still whole.
            note = faults[0] if faults and state == EXECUTED else ""
            result = NodeResult(node_id, state, time.monotonic() - started, note=note)
        except Exception as error:
            if stopped():
                raise KeyboardInterrupt from error
            observer.ended(NodeResult(node_id, FAILED, time.monotonic() - started, error))
            raise NodeError(node_id, error) from error
        observer.ended(result)
        results.append(result)
    return results


@contextlib.contextmanager
def verified_cache(faults: list[str]) -> Iterator[None]:
    """Lets no node take from the cache what is not as it was left.

    Args:
        faults: takes what is wrong with outputs that were passed over.
    """
    looked_at: dict[int, str | None] = {}  # every run that found an artifact in the cache is asked about it

    def accept(store: Any, outputs: list[metadata_store_pb2.Artifact]) -> bool:
        for artifact in outputs:
            if artifact.id not in looked_at:
                looked_at[artifact.id] = fault = published.problem(store, artifact)
                if fault:
                    faults.append(f"made again: {fault}")
                    progress.tell(f"{fault}; the node runs again")
            if looked_at[artifact.id]:
                return False
        return True

    with cached_outputs.checked(accept):
        yield


def node_launcher(
    ir: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode, connection: metadata_store_pb2.ConnectionConfig
) -> launcher.Launcher:
    """TFX's launcher of one node: its driver, its executor and the publisher of its outputs."""
    deployment = runner_utils.extract_local_deployment_config(ir)
    return launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=metadata.Metadata(connection),
        pipeline_info=ir.pipeline_info,
        pipeline_runtime_spec=ir.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node.node_info.id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node.node_info.id),
    )


def connection_config(ir: pipeline_pb2.Pipeline) -> metadata_store_pb2.ConnectionConfig:
    """The metadata store that a compiled pipeline uses."""
    config = runner_utils.extract_local_deployment_config(ir).metadata_connection_config
    return getattr(config, config.WhichOneof("connection_config"))


def close_abandoned(connection: metadata_store_pb2.ConnectionConfig, pipeline_root: Path) -> int:
    """Closes executions that a killed run left behind, and removes what they had written.

    They are marked as cancelled, so that no history shows them as running or as failed by themselves.

    Args:
        connection: the metadata store; the caller holds the run's lock, so nothing is really running.
        pipeline_root: of the task; an execution writes below `<node>/<output>/<execution>`.

    Returns:
        How many there were.
    """
    active = (metadata_store_pb2.Execution.RUNNING, metadata_store_pb2.Execution.NEW)
    abandoned = 0
    with metadata.Metadata(connection) as handle:
        for execution in handle.store.get_executions():
            if execution.last_known_state not in active:
                continue
            node = context_name(handle.store, execution.id, "node")
            if node:
                for folder in (*(pipeline_root / node).glob("*"), *(pipeline_root / node / ".system").glob("*")):
                    shutil.rmtree(folder / str(execution.id), ignore_errors=True)
            execution.last_known_state = metadata_store_pb2.Execution.CANCELED
            handle.store.put_executions([execution])
            abandoned += 1
    return abandoned


def _state(node: pipeline_pb2.PipelineNode, info: object, connection: metadata_store_pb2.ConnectionConfig) -> str:
    if is_resolver(node):
        return RESOLVED
    execution_id = getattr(info, "execution_id", None)
    if execution_id is None:
        return EXECUTED
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
        published.record(handle.store, published.outputs(handle.store, execution_id))
    return CACHED if execution.last_known_state == metadata_store_pb2.Execution.CACHED else EXECUTED

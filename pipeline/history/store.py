"""Reads the metadata store of a task: what a run's nodes put out, and who made an artifact; imports no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.history.paths import TaskPaths

if TYPE_CHECKING:
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2


def open_store(paths: TaskPaths) -> metadata_store.MetadataStore | None:
    """The store of a task for reading, or None where nothing ever ran: asking must not create one."""
    if not paths.metadata.is_file():
        return None
    from ml_metadata import metadata_store

    return metadata_store.MetadataStore(connection(paths))


def connection(paths: TaskPaths) -> metadata_store_pb2.ConnectionConfig:
    """How the store of a task is opened for reading."""
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(paths.metadata)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    return config


class RunOutputs:
    """The output artifacts of one run, by node and key."""

    def __init__(self, connection: metadata_store_pb2.ConnectionConfig | None, run_id: str) -> None:
        """Reads them from the metadata store.

        Args:
            connection: the store; None where it cannot be read: the run has no outputs then.
            run_id: id of the run.
        """
        self._found: dict[tuple[str, str], metadata_store_pb2.Artifact] = {}
        if connection is None:
            return
        from ml_metadata import metadata_store
        from ml_metadata.proto import metadata_store_pb2

        store = metadata_store.MetadataStore(connection)
        context = store.get_context_by_type_and_name("pipeline_run", run_id)
        if context is None:
            return
        for execution in store.get_executions_by_context(context.id):
            node = context_name(store, execution.id, "node")
            events = [event for event in store.get_events_by_execution_ids([execution.id]) if is_output(event)]
            artifacts = {
                artifact.id: artifact for artifact in store.get_artifacts_by_id([e.artifact_id for e in events])
            }
            for event in events:
                artifact = artifacts[event.artifact_id]
                if artifact.state != metadata_store_pb2.Artifact.PENDING:
                    self._found[node, key_of(event)] = artifact

    def artifact(self, node: str, key: str) -> metadata_store_pb2.Artifact | None:
        """One output artifact, or None where the run did not get to it."""
        return self._found.get((node, key))

    def uri(self, node: str, key: str) -> str | None:
        """Its URI."""
        found = self.artifact(node, key)
        return found.uri if found else None


def context_name(store: metadata_store.MetadataStore, execution_id: int, kind: str) -> str:
    """What an execution belongs to: its `node` or its `pipeline_run`; empty if to none."""
    for context in store.get_contexts_by_execution(execution_id):
        if context.type == kind:
            # A node's context is named `<pipeline>.<node>`.
            return context.name.split(".", 1)[1] if kind == "node" else context.name
    return ""


def is_output(event: metadata_store_pb2.Event) -> bool:
    """Whether an event says that an execution put an artifact out."""
    return event.type in (event.OUTPUT, event.INTERNAL_OUTPUT)


def key_of(event: metadata_store_pb2.Event) -> str:
    """Under which key an execution took an artifact in or put it out."""
    return next((step.key for step in event.path.steps if step.HasField("key")), "")


def values(message: metadata_store_pb2.Artifact | metadata_store_pb2.Execution) -> dict[str, Any]:
    """Properties and custom properties of an artifact or an execution, as plain values."""
    return {
        name: getattr(value, value.WhichOneof("value"))
        for properties in (message.properties, message.custom_properties)
        for name, value in properties.items()
        if value.WhichOneof("value") in ("int_value", "string_value", "double_value", "bool_value")
    }

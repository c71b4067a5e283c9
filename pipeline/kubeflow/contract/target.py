"""What is compiled for: orchestrator, image and roots."""

from __future__ import annotations

import dataclasses
import re

SCHEMA_VERSIONS = ("2.1", "2.0")
DATASET = "dataset:"  # in place of a file: a data set that comes with the image
# Buckets that Kubeflow's launcher copies from and to a folder of the container, since TensorFlow cannot reach them.
COPIED_SCHEMES = ("s3", "minio")


@dataclasses.dataclass(frozen=True)
class Target:
    """Where a compiled pipeline shall run.

    Attributes:
        engine: name of the orchestrator, a row of `pipeline.kubeflow.orchestrators.base.ORCHESTRATORS`.
        image: container image of every node.
        pipeline_root: root of all artifacts.
        push_root: where blessed models go.
        data: the rows: a URI, a path on a volume, or `dataset:NAME`.
        schema: the curated schema: a URI, a path on a volume, or a path inside the image.
        schema_version: of the pipeline specification.
        local: allow paths of this machine, for `execute`.
    """

    engine: str
    image: str
    pipeline_root: str
    push_root: str
    data: str
    schema: str
    schema_version: str = "2.1"
    local: bool = False

    @property
    def copied(self) -> bool:
        """Whether artifacts are copied from and to a bucket by Kubeflow's launcher."""
        return scheme(self.pipeline_root) in COPIED_SCHEMES

    @property
    def on_volume(self) -> bool:
        """Whether artifacts are on a mounted volume."""
        return not scheme(self.pipeline_root)


def scheme(uri: str) -> str:
    """The scheme of a URI; an empty string for a path."""
    found = re.match(r"^([a-z][a-z0-9+.-]*)://", uri)
    return found.group(1) if found else ""

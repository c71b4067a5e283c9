"""What the compiler tells the container entry point: one JSON argument in front of TFX's own."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pipeline.kubeflow.contract import bindings

COMMAND = ("python", "-m", "pipeline.kubeflow.container.main")
DRIVE = "--drive"
OPTIONS = "--edgeline"
# `execute` stands in for Kubeflow's launcher and has no right to write to /minio or /s3.
LAUNCHER_ROOT_VARIABLE = "EDGELINE_LAUNCHER_ROOT"
# The parameter with the root of all artifacts: only on a volume; a bucket is the engine's own setting of a run.
ROOT_PARAMETER = "pipeline_root"


@dataclasses.dataclass(frozen=True)
class Options:
    """How the entry point prepares a node.

    Attributes:
        bindings: where parameters of the run go.
        root_parameter: name of the run's parameter whose folder, on a shared volume, takes the place of the engine's
            bucket; empty keeps the bucket.
        copied: artifacts are in a bucket that TensorFlow cannot reach; the launcher's local copies are used.
        drive: find out the newest input span first, since the engine ignores the hook that would.
    """

    bindings: list[bindings.Binding] = dataclasses.field(default_factory=list)
    root_parameter: str = ""
    copied: bool = False
    drive: bool = False

    def to_args(self) -> list[str]:
        """As arguments of the container."""
        values: dict[str, Any] = {
            "bindings": [item.to_dict() for item in self.bindings],
            "root_parameter": self.root_parameter,
            "copied": self.copied,
            "drive": self.drive,
        }
        kept = {name: value for name, value in values.items() if value}
        return [OPTIONS, json.dumps(kept, sort_keys=True)]

    @classmethod
    def parse(cls, text: str) -> Options:
        """Reads what `to_args` gave."""
        values = json.loads(text)
        return cls(**{**values, "bindings": bindings.from_dicts(values.get("bindings", []))})

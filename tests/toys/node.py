"""A node of one's own: counts the rows that were read, split by split, and tells it in the summary."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from pipeline.node import Node, Told, node

COUNTS = "row_counts.json"
ROW = Node(
    "RowCounter",
    "tests.toys.node:row_counter",
    "counts the rows of each split",
    inputs={"examples": "ExampleGen.examples"},
    outputs={"counts": "ModelEvaluation"},
    code=("tests.toys.node",),
    files=(COUNTS,),
    summary={"row_counts": Told("counts", (COUNTS,))},
)


@node(ROW)
def row_counter(config: Any, outputs: Mapping[str, Mapping[str, Any]]) -> Any:
    """Builds the node."""
    from pipeline.graph import code_digest
    from tests.toys.row_counter import RowCounter

    settings = json.dumps({"code": code_digest.of(config, ROW.name)})
    return RowCounter(examples=outputs["ExampleGen"]["examples"], settings=settings)


def write(folder: str, counts: Mapping[str, int]) -> None:
    """Leaves the counts where the row of the table says."""
    with open(os.path.join(folder, COUNTS), "w", encoding="utf-8") as stream:
        json.dump(counts, stream)

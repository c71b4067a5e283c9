"""Which ways of fusing there are. Light: nothing here imports TensorFlow, and a row costs nothing until it is asked.

| kind | what the head reads | explains itself |
|---|---|---|
| `concat` | all vectors side by side | no |
| `gated` | the sum of all vectors, each projected to one width, by weights of the row that a softmax gives | yes |
| `attention` | a vector an input, which has looked at the parts of all inputs; side by side | yes |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.registry import Registry

CONCAT = "concat"
FUSIONS: Registry[Any] = Registry(  # of classes of `modules.network.fusion.base.Fusion`
    "fusion",
    {
        CONCAT: "modules.network.fusion.concat:Concat",
        "gated": "modules.network.fusion.gated:Gated",
        "attention": "modules.network.fusion.attention:Attention",
    },
)


def section(kind: str, width: int, inputs: int) -> Mapping[str, Any]:
    """What an architecture says of its fusion: nothing of `concat`, which is what it was without a word.

    Args:
        kind: a row of `FUSIONS`.
        width: of the vectors that inputs are projected to.
        inputs: how many there are; a single one is not fused.
    """
    return {} if kind == CONCAT or inputs == 1 else {"kind": kind, "width": width}

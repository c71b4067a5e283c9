"""Metrics of TFMA as JSON, the form in which targets name them."""

from __future__ import annotations

import json
from typing import Any


def metric(class_name: str, *, module: str = "", **config: Any) -> dict[str, Any]:
    """A metric of TFMA or Keras, or of a module of ours, by the name of its class, with its arguments.

    Args:
        class_name: of the metric.
        module: where it is, if not in TFMA or Keras.
        **config: its arguments.
    """
    arguments = {"config": json.dumps(config)} if config else {}
    return {"class_name": class_name, **arguments, **({"module": module} if module else {})}

"""Where what a node leaves is found: by its output, and by the key of `summary.json` that it becomes."""

from __future__ import annotations

from typing import Any

from pipeline import nodes
from pipeline.node import Told, builders


def giving(output: str) -> tuple[str, str]:
    """The node that alone gives an output, and the output's key.

    Args:
        output: its key, such as `bundle`.

    Raises:
        LookupError: no node gives it, or several do; `pipeline.nodes.reported` tells those apart that the report reads.
    """
    found = [name for name, row in nodes.rows().items() if output in row.outputs]
    if len(found) != 1:
        raise LookupError(f"the output {output!r} is given by {', '.join(found) or 'no node'}, not by one.")
    return found[0], output


def told(config: Any) -> dict[str, tuple[str, Told]]:
    """By key of `summary.json`, the node and the file whose content it is.

    Args:
        config: the task's configuration, for the nodes of its extensions.
    """
    stand = {row.name for row in nodes.NODES}
    known = [row for row in nodes.rows().values() if row.name in stand or row.name in builders(config)]
    return {key: (row.name, item) for row in known for key, item in row.summary.items()}

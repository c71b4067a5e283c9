"""What stands in a drafted YAML file as text."""

from __future__ import annotations

import json


def quoted(value: str) -> str:
    """A YAML string; always in quotes, since `no`, `1` and `null` would be something else."""
    return json.dumps(value, ensure_ascii=False)


def comment(value: str) -> str:
    """Fit to stand in a comment: a column's name may hold a line break."""
    return " ".join(value.split())

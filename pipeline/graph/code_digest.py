"""Digests of code and of the data beside it, so that a node's cache notices when what it runs was edited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import nodes
from pipeline.graph.sources import Sources

ROOT = Path(__file__).resolve().parents[2]


def digest(*modules: str, extensions: Iterable[str] = ()) -> str:
    """Digest of some modules, and of everything in this project that they import or read, directly or not.

    Args:
        *modules: dotted names, such as `modules.trainer`.
        extensions: modules that the configuration brings; any of them may change what any node does.

    Returns:
        A SHA-256 (64 hexadecimal digits) over names and contents; neither comments, docstrings and formatting count
        nor file times.

    Raises:
        FileNotFoundError: a module does not exist.
    """
    names = list(extensions)
    return Sources(ROOT, names).digest([*modules, *names])


def of(config: Any, *names: str) -> str:
    """Digest of all that some nodes run and read.

    Args:
        config: the task's configuration, for its extensions.
        *names: of nodes, rows of `pipeline.nodes`.
    """
    rows = nodes.rows()
    modules = [module for name in names for module in rows[name].code]
    return digest(*modules, extensions=getattr(config, "extensions", []))

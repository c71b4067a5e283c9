"""The table of nodes with other names in it: who reads the table needs no edit."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline import nodes


def rename(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """Gives nodes of the table other names.

    Args:
        monkeypatch: of the test.
        **names: the new name by the old one.
    """
    assert set(names) <= {row.name for row in nodes.NODES}
    renamed = tuple(dataclasses.replace(row, name=names.get(row.name, row.name)) for row in nodes.NODES)
    monkeypatch.setattr(nodes, "NODES", renamed)

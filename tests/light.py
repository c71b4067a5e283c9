"""Which test files need neither TensorFlow nor TFX nor Beam: what `pytest --light` (make test-fast) keeps.

Read off the imports, so that nobody has to keep a list: a file is heavy if it, or what it imports of this project,
imports one of them. Imports inside the test file's functions count; inside the project's only those at the top, since
the project imports such packages late, where they are used.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests import house

ROOT = Path(__file__).resolve().parent.parent
# Beside what is heavy for everybody, what only tests have to wait for.
HEAVY = house.HEAVY | {"sklearn", "ai_edge_litert", "ai_edge_quantizer"}
_TOPS = (ROOT, ROOT / "edge", ROOT / "tests", ROOT / "tests" / "unit")


def is_light(path: Path) -> bool:
    """Whether running a test file imports none of the packages that take seconds."""
    seen: set[str] = set()
    waiting = {name for _, name in house.imports(path, path.parent, ast.walk(house.tree(path)))}
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] in HEAVY:
            return False
        seen.add(name)
        for file in house.own_files(name, *_TOPS):
            waiting |= _imported(file) - seen
    return True


@cache
def _imported(path: Path) -> frozenset[str]:
    """What importing a file of this project imports in turn."""
    return frozenset(name for _, name in house.imports(path, ROOT, house.at_import(house.tree(path))))

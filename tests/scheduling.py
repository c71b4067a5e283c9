"""Which tests run on the same worker."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parent.parent
# Fixtures of tests/e2e/conftest.py that run the whole tiny pipeline once a worker, which takes minutes.
SHARED_RUN = re.compile(r"def \w+\([^)]*\b(first_run|first_run_records|run)\b *[:,)]")


@functools.cache
def unit_of(file: str) -> str:
    """The unit of work that a file belongs to: itself, or all files that ask for the shared run.

    Args:
        file: relative to the project's top folder.
    """
    path = ROOT / file
    if path.parent != ROOT / "tests" / "e2e":
        return file
    return "the shared run" if SHARED_RUN.search(path.read_text(encoding="utf-8")) else file


class SharedRunScheduling(LoadFileScheduling):
    """xdist's `loadfile`, but the files that share a pipeline run go to one worker: the other need not run it again."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid.split("::", 1)[0])


def scheduler(config: Any, log: Any) -> SharedRunScheduling | None:
    """What hands out the tests; None leaves it to xdist.

    Args:
        config: pytest's.
        log: xdist's.
    """
    return SharedRunScheduling(config, log) if config.getoption("dist") == "loadfile" else None

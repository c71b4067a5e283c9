"""`pipeline.machine.screen`: no locale ends a command, and what it can show stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
import sys
from pathlib import Path
from rich.console import Console
from pipeline.local import logs
from pipeline.machine import screen

screen.fit()
print("✓ run · 3 × 4 … 日é")
with logs.captured(Path(sys.argv[1])) as real:
    Console(file=real).print("▸ Trainer – 日é")
"""


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "✓ run · 3 × 4 … 日é\n▸ Trainer – 日é\n"),
        ("latin-1", "+ run · 3 × 4 ... \\u65e5é\n> Trainer - \\u65e5é\n"),
        ("ascii", "+ run - 3 x 4 ... \\u65e5\\xe9\n> Trainer - \\u65e5\\xe9\n"),
    ],
)
def test_every_screen_shows_what_it_can(tmp_path: Path, encoding: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "run.log")],
        env={**os.environ, "PYTHONIOENCODING": encoding}, cwd=Path(__file__).parents[4],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding) == expected

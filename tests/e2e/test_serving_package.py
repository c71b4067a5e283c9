"""`serving/` has an environment of its own, without this project's stack; its tests run there, as here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import serving_environment

pytestmark = pytest.mark.slow


def test_the_servers_own_tests_pass_in_its_environment(repository: Path) -> None:
    python = serving_environment.need()
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=repository / "serving", capture_output=True,
        text=True, timeout=600, env=serving_environment.variables(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " skipped" not in done.stdout.splitlines()[-1]

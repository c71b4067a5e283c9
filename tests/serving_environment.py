"""The environment of `serving/`: `make serving-setup` installs it, and `make test` calls that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.programs import MISSING, ROOT

PYTHON = ROOT / "serving" / ".venv" / "bin" / "python"


def need() -> Path:
    """Its Python; skips the test where there is none, which CI refuses."""
    if not PYTHON.is_file():
        pytest.skip(f"{MISSING}the server's environment, serving/.venv: `make serving-setup` installs it")
    return PYTHON


def variables() -> dict[str, str]:
    """This process's, without what is of this environment: its packages, and how its TensorFlow is set up."""
    own = ("PYTHONPATH", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS")
    return {name: value for name, value in os.environ.items() if name not in own}

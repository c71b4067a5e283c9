"""README's own lines on a fresh machine: a bare Debian with the packages that it names, and an ordinary user.

Needs root, debootstrap and the package index. By hand:

- `EDGELINE_FRESH_FULL=1`: the default `make run` and the whole `make test` too, an hour; `-s` shows it as it goes.
- `EDGELINE_FRESH_SUITE=trixie`: Debian 13, where `python3` is too new; a copy of the Python 3.11 that runs the tests,
  or of the folder `EDGELINE_FRESH_PYTHON`, is put there.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from tests import fresh_machine
from tests.fresh_machine import HOME, FreshMachine
from tests.tools import programs

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SUITE = os.environ.get("EDGELINE_FRESH_SUITE", "bookworm")
FULL = bool(os.environ.get("EDGELINE_FRESH_FULL"))

by_hand = pytest.mark.skipif(not FULL, reason="takes an hour; `EDGELINE_FRESH_FULL=1` does it")


def block(text: str, mark: str = "") -> list[str]:
    """The lines of the first block of commands below a mark."""
    [found] = re.findall(rf"{re.escape(mark)}.*?\n```sh\n(.*?)```", text, flags=re.DOTALL)[:1]
    return found.splitlines()


PACKAGES = block(README, "<!-- prerequisites -->")[0].removeprefix("apt-get install ").split()
FIRST_STEPS = block(README)
TESTS = block(README, "<!-- ci: the test command -->")


def test_the_first_lines_of_readme_are_clone_and_run() -> None:
    assert FIRST_STEPS == ["git clone <this repository> edgeline && cd edgeline", "make run"]
    assert {"git", "make", "python3"} <= set(PACKAGES)
    assert not [name for name in PACKAGES if "g++" in name or name.endswith("-dev") or name == "build-essential"]


@pytest.fixture(scope="module")
def machine() -> Iterator[FreshMachine]:
    """A fresh machine."""
    if os.geteuid():
        pytest.skip("builds a Debian in a folder, which needs root")
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
        pytest.skip("builds a Debian in a folder, which needs mounts of its own; this container allows none")
    programs.need(programs.DEBOOTSTRAP)
    with fresh_machine.built(SUITE, PACKAGES, small=not FULL) as made:
        if SUITE != "bookworm":
            given = os.environ.get("EDGELINE_FRESH_PYTHON")
            made = fresh_machine.add_python(made, *([Path(given)] if given else []))
        yield made


@pytest.fixture(scope="module")
def cloned(machine: FreshMachine) -> FreshMachine:
    """The same after README's first line."""
    address = fresh_machine.publish(machine)
    machine.run(FIRST_STEPS[0].replace("<this repository>", address), seconds=60)
    return machine


@pytest.fixture(scope="module")
def tiny_config(cloned: FreshMachine) -> str:
    """A configuration of the user's own whose run takes a minute; its path."""
    task = tiny.make(cloned.files / HOME / "tiny")
    task.config.write_text(task.config.read_text().replace(str(cloned.files), ""))
    fresh_machine.own(task.folder)
    return f"/{HOME}/tiny/{task.config.name}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_make_run_ends_with_a_bundle_that_classifies(cloned: FreshMachine, tiny_config: str) -> None:
    command = FIRST_STEPS[1].replace("make run", f"make run CONFIG={tiny_config}")
    said = cloned.run(f"cd edgeline\n{command}", seconds=900)
    [bundle] = re.findall(r"^Edge +(runs/\S+\.tflite) ", said, flags=re.MULTILINE)
    told = cloned.run(f"cd edgeline\n./edgeline edge predict {bundle} 'the film was great and lovely'", seconds=120)
    assert "positive" in told


@pytest.mark.slow
@pytest.mark.timeout(5400)
@by_hand
def test_the_default_make_run_ends_with_a_pushed_bundle(cloned: FreshMachine) -> None:
    said = cloned.run(f"cd edgeline\n{FIRST_STEPS[1]}", seconds=3600)
    [bundle] = re.findall(r"^Edge +(runs/sentiment/\S+\.tflite) ", said, flags=re.MULTILINE)
    told = cloned.run(f"cd edgeline\n./edgeline edge predict {bundle} 'what a lovely film'", seconds=120)
    assert "positive" in told


@pytest.mark.slow
@pytest.mark.timeout(7200)
@by_hand
def test_make_test_passes_and_lacks_no_program(cloned: FreshMachine) -> None:
    said = cloned.run("\n".join(["cd edgeline", *TESTS]), seconds=7000, CI="true")
    assert re.search(r"^=+ .*\b\d+ passed", said, flags=re.MULTILINE)
    assert programs.MISSING not in said

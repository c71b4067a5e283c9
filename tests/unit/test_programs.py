"""Programs beside Python: the machine's if they serve, else fetched ones; else a skip, which is told and CI refuses."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tools import fetch, programs
from tests.tools.programs import Tool

WHEEL = "edgeline_fake-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: edgeline-fake\nVersion: 1.0\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the path, and another in place of `.tools/test`."""
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(programs, "FETCHED", tmp_path / "fetched")
    return folder


@pytest.fixture
def tool(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A tool in a wheel that pip takes from a folder."""
    text = "#!/bin/sh\necho fake 4.0\n"
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        for name in ("fake", "helper"):
            member = zipfile.ZipInfo(f"edgeline_fake/bin/{name}")
            member.external_attr = 0o100755 << 16  # a regular file, executable
            archive.writestr(member, text)
        archive.writestr("edgeline_fake-1.0.dist-info/METADATA", METADATA)
        archive.writestr("edgeline_fake-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("edgeline_fake-1.0.dist-info/RECORD", "")
    for variable, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(tmp_path)), ("CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(f"PIP_{variable}", value)
    digest = hashlib.sha256((tmp_path / WHEEL).read_bytes()).hexdigest()
    made = Tool(
        "Fake 4", "fake", "fake-package", ("fake", "fake-4"), ("helper",), at_least=4,
        pin=f"edgeline-fake==1.0 --hash=sha256:{digest}", programs="edgeline_fake/bin",
    )  # fmt: skip
    monkeypatch.setattr(programs, "FETCHABLE", (made,))
    monkeypatch.setitem(fetch._FETCHERS, "fake", fetch._wheel)
    return made


def install(folder: Path, name: str, script: str = "echo fake 4.1") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_what_the_machine_has_is_preferred_to_what_was_fetched(tool: Tool, machine: Path) -> None:
    assert fetch.main() == 0
    there, helper = install(machine, "fake-4"), install(machine, "helper")
    assert programs.find(tool) == ({"fake": there, "helper": helper}, "")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo fake 3.9", "fake is fake 3.9"),
        ("echo cannot load libfake.so >&2; exit 127", "fake does not run: cannot load libfake.so"),
    ],
)
def test_a_program_that_is_too_old_or_does_not_run_is_passed_over(
    tool: Tool, machine: Path, script: str, reason: str
) -> None:
    install(machine, "fake", script)
    install(machine, "helper")
    found, said = programs.find(tool)
    assert not found
    assert reason in said
    assert "`make test-tools` fetches it (Debian: apt-get install fake-package)" in said
    assert fetch.main() == 0
    assert programs.find(tool)[0]["fake"] == tool.fetched / "edgeline_fake" / "bin" / "fake"


def test_a_program_without_its_company_is_passed_over(tool: Tool, machine: Path) -> None:
    there = install(machine, "fake")
    assert f"{there} is there, helper is not" in programs.find(tool)[1]


def test_the_user_may_name_the_program(tool: Tool, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine, "fake")
    install(machine, "helper")
    named = install(machine, "another-name")
    monkeypatch.setenv("FAKE", str(named))
    assert programs.find(dataclasses.replace(tool, variable="FAKE"))[0]["fake"] == named


def test_another_pin_is_fetched_anew(tool: Tool) -> None:
    assert fetch.main() == 0
    assert programs.find(tool)[0]
    assert not programs.find(dataclasses.replace(tool, pin="edgeline-fake==1.1 --hash=sha256:00"))[0]


def test_another_digest_is_refused_told_and_leaves_nothing(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    other = dataclasses.replace(tool, pin=f"edgeline-fake==1.0 --hash=sha256:{'0' * 64}")
    monkeypatch.setattr(programs, "FETCHABLE", (other,))
    assert fetch.main() == 1
    assert "Fake 4 cannot be had" in capfd.readouterr().err
    assert [path.name for path in programs.FETCHED.iterdir()] == ["fake.failed"]
    assert "could not be fetched: " in programs.find(other)[1]
    assert fetch.fetch(tool) == ""
    assert [path.name for path in programs.FETCHED.iterdir()] == ["fake"]


def test_a_fetched_program_that_does_not_run_here_is_no_tool(tool: Tool) -> None:
    newer = dataclasses.replace(tool, at_least=5)
    assert "is fake 4.0" in fetch.fetch(newer)
    assert [path.name for path in programs.FETCHED.iterdir()] == ["fake.failed"]


def test_what_is_missing_skips_a_test_with_the_way_to_get_it(tool: Tool) -> None:
    with pytest.raises(pytest.skip.Exception) as skipped:
        programs.need(tool)
    assert str(skipped.value) == (
        "missing program: Fake 4: `make test-tools` fetches it (Debian: apt-get install fake-package)"
    )


def test_all_that_can_be_fetched_is_pinned_by_digest() -> None:
    for tool in programs.FETCHABLE:
        if fetch._FETCHERS[tool.folder] is fetch._prometheus:  # apt compares them with what Debian signed
            continue
        assert "==" in tool.pin or tool.pin[1:].count("@") == 1
        assert "sha256:" in tool.pin or "sha512-" in tool.pin
        assert tool.folder in fetch._FETCHERS


# The closing line, and CI


TESTS = """
import pytest
from tests.tools import programs

NOTHING = programs.Tool("Nothing", "nothing", "no-package", ("no-such-program",))

def test_that_needs_a_program():
    programs.need(NOTHING)

@pytest.mark.parametrize("number", [1, 2])
def test_by_hand(number):
    pytest.skip("by hand")

def test_that_passes():
    pass
"""


def closing(folder: Path, repository: Path, *options: str, ci: str) -> tuple[int, str]:
    """A run of four tests, with the hooks of this project's conftest."""
    (folder / "conftest.py").write_text("from tests.conftest import pytest_sessionfinish, pytest_terminal_summary\n")
    (folder / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", folder, *options, folder / "test_it.py"],
        env={**os.environ, "PYTHONPATH": str(repository), "CI": ci}, cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_skips_are_counted_with_their_reasons_and_ci_refuses_a_missing_program(
    tmp_path: Path, repository: Path, options: tuple[str, ...]
) -> None:
    missing = "missing program: Nothing: not on this machine (Debian: apt-get install no-package) (1)"
    code, said = closing(tmp_path, repository, *options, ci="")
    assert code == 0
    assert f"\n3 skipped: by hand (2), {missing}\n" in said
    code, said = closing(tmp_path, repository, *options, ci="true")
    assert code == 1
    assert "\nCI is set, so 1 skipped for want of a program count as failed.\n" in said


def test_ci_accepts_what_is_left_to_another_command(tmp_path: Path, repository: Path) -> None:
    code, said = closing(tmp_path, repository, "-k", "hand or passes", ci="true")
    assert code == 0
    assert "\n2 skipped: by hand (2)\n" in said

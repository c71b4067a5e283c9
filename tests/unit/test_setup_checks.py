"""What `make setup` lacks is said before anything is downloaded, with the cure."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import doctor, setup_checks


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Python, no uv and nothing installed; the folder of its programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_", "PYENV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(setup_checks, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    return programs


def interpreter(path: Path, version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)


@pytest.fixture
def server() -> Iterator[str]:
    """A web server that has no page at all."""
    handler = type("Quiet", (http.server.BaseHTTPRequestHandler,), {"log_message": lambda *words: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()


@pytest.mark.parametrize(
    "where",
    ["bin/python3.11", ".pyenv/versions/3.11.9/bin/python", "data/uv/python/cpython-3.11.9-linux/bin/python3.11"],
)
def test_a_python_3_11_is_found_where_uv_finds_it(bare: Path, where: str):
    interpreter(bare / "python3", "3.13.5")
    interpreter(bare.parent / where, "3.11.9")
    check = setup_checks.check_python()
    assert check.state == "ok"
    assert check.found == f"3.11.9 at {bare.parent / where}"


def test_a_shim_with_nothing_behind_it_is_no_python(bare: Path, monkeypatch: pytest.MonkeyPatch):
    interpreter(bare / "python3.11", "''; exit 1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    check = setup_checks.check_python()
    assert check.state == "fail"
    assert "uv may not fetch one" in check.found


def test_with_another_python_alone_it_says_where_uv_fetches_one_and_what_to_do_if_it_cannot(
    bare: Path, server: str, monkeypatch: pytest.MonkeyPatch
):
    interpreter(bare / "python3", "3.13.5")
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", f"{server}/builds")
    check = setup_checks.check_python()
    assert check.state == "ok"
    assert "fetches one from 127.0.0.1, not from the package index" in check.found
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", (bare / "nothing").as_uri())
    check = setup_checks.check_python()
    assert check.state == "fail"
    for cure in ("UV_PYTHON_INSTALL_MIRROR", "conda", "pyenv"):
        assert cure in check.advice


def test_the_index_is_asked_before_anything_is_downloaded(server: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("UV_OFFLINE", raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", server.replace("//", "//me:secret@") + "/simple")
    check = setup_checks.check_index_answers()
    assert (check.state, check.found) == ("ok", "127.0.0.1 answers")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:secret@127.0.0.1:9/simple")
    check = setup_checks.check_index_answers()
    assert check.state == "fail"
    assert "refused" in check.found
    assert "UV_DEFAULT_INDEX" in check.advice
    assert "secret" not in check.found + check.advice
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert setup_checks.check_index_answers().state == "ok"


def test_without_a_setting_the_index_of_the_lock_is_asked(monkeypatch: pytest.MonkeyPatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    asked = []
    monkeypatch.setattr(setup_checks, "_unreachable", lambda address: asked.append(address) or "")
    assert setup_checks.check_index_answers().state == "ok"
    lock = (setup_checks.ROOT / "uv.lock").read_text()
    assert [f'registry = "{address}"' in lock for address in asked] == [True]


@pytest.mark.parametrize(("modules", "state"), [({"pip"}, "ok"), ({"ensurepip"}, "ok"), (set(), "fail")])
def test_pip_or_venv_suffices_to_fetch_uv(bare: Path, monkeypatch: pytest.MonkeyPatch, modules: set[str], state: str):
    monkeypatch.setattr(setup_checks.importlib.util, "find_spec", lambda name: name in modules or None)
    check = setup_checks.check_installer()
    assert check.state == state
    if state == "fail":
        assert "python3-venv" in check.advice
    interpreter(bare / "uv", "uv 0.9")
    assert setup_checks.check_installer().found == str(bare / "uv")


def test_a_shared_memory_that_cannot_be_written_is_named_with_its_path(monkeypatch: pytest.MonkeyPatch):
    assert setup_checks.check_shared_memory().state == "ok"

    def refused() -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(setup_checks.multiprocessing, "get_context", lambda way: SimpleNamespace(Lock=refused))
    check = setup_checks.check_shared_memory()
    assert (check.state, check.found) == ("fail", "/dev/shm: Permission denied")
    assert "chmod 1777 /dev/shm" in check.advice


@pytest.mark.parametrize(
    ("encoding", "state"), [("utf-8", "ok"), ("ascii", "warn"), ("latin-1", "warn"), (None, "warn")]
)
def test_a_screen_that_cannot_show_what_a_run_says_is_told(monkeypatch: pytest.MonkeyPatch, encoding, state: str):
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding=encoding))
    assert setup_checks.check_locale().state == state


def test_a_project_folder_of_somebody_else_is_told(monkeypatch: pytest.MonkeyPatch):
    assert setup_checks.check_folder().state == "ok"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert setup_checks.check_folder().state == "fail"


def test_the_quick_part_is_silent_on_a_healthy_machine_and_loud_on_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    well = doctor.Check("disk", "ok", "a lot")
    ill = doctor.Check("memory", "fail", "1 GiB", "Buy some.")
    monkeypatch.setattr(setup_checks, "is_set_up", lambda: True)
    monkeypatch.setattr(doctor, "quick_checks", lambda: [well])
    assert doctor.main(["--quick"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(doctor, "quick_checks", lambda: [well, ill])
    assert doctor.main(["--quick"]) == 1
    shown = capsys.readouterr().out
    assert "Buy some." in shown
    assert "a lot" not in shown


def test_what_only_an_installation_needs_is_not_asked_for_once_there_was_one(monkeypatch: pytest.MonkeyPatch):
    first = {"Python", "installer", "package index"}
    monkeypatch.setattr(setup_checks, "check_index_answers", lambda: doctor.Check("package index", "ok", "answers"))
    monkeypatch.setattr(setup_checks, "is_set_up", lambda: False)
    assert first <= {check.name for check in doctor.quick_checks()}
    monkeypatch.setattr(setup_checks, "is_set_up", lambda: True)
    assert not first & {check.name for check in doctor.quick_checks()}


@pytest.mark.parametrize("goal", ["setup", "run", "test", "test-fast"])
def test_make_looks_before_it_installs(repository: Path, goal: str):
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", goal], cwd=repository, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    looked = next(number for number, line in enumerate(lines) if "pipeline.doctor --quick" in line)
    installed = next(number for number, line in enumerate(lines) if "sync" in line)
    assert looked < installed


def test_behind_a_mirror_the_packages_of_the_repository_come_without_a_hash_after_the_locked_ones(repository: Path):
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup"], cwd=repository, capture_output=True, text=True, check=True,
        env={**os.environ, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"},
    )  # fmt: skip
    text = done.stdout
    assert "--no-emit-local" in text
    assert text.index("pip sync") < text.index("--no-deps --editable ./edge --editable ./packages/pyfarmhash")

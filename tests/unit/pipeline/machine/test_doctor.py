"""The doctor names each fault and its cure, with nothing but the standard library."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

from modules.machine import cpu

import pytest

from pipeline.machine import checks as look
from pipeline.machine import doctor, host, stack

GIB = 1 << 30

LOCK = """
version = 1
[[package]]
name = "project"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "plain" }, { name = "big", extra = ["more"] }, { name = "win", marker = "os_name == 'nt'" }]
[package.dev-dependencies]
dev = [{ name = "tool" }]
[[package]]
name = "plain"
version = "1.0"
dependencies = [{ name = "deep" }]
[[package]]
name = "big"
version = "2.0"
[package.optional-dependencies]
more = [{ name = "added" }]
other = [{ name = "unwanted" }]
[[package]]
name = "deep"
version = "1.1"
[[package]]
name = "added"
version = "1.2"
[[package]]
name = "unwanted"
version = "1.3"
[[package]]
name = "win"
version = "1.4"
[[package]]
name = "tool"
version = "1.5"
"""


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Installed versions, free to change; a healthy set to begin with."""
    healthy = {
        "tensorflow": "2.21.0",
        "tf-keras": "2.21.0",
        "keras-nlp": "0.12.1",
        "keras-tuner": "1.3.5",
        "tensorflow-model-optimization": "0.8.1",
    }
    monkeypatch.setattr(stack, "installed_version", lambda name: healthy.get(name, ""))
    return healthy


def test_all_checks_run_on_this_machine_and_each_fault_has_an_advice():
    checks = doctor.run_checks()
    assert len({check.name for check in checks}) == len(checks) >= 13
    assert [check for check in checks if check.state != "ok" and not check.advice] == []


def test_it_imports_neither_tensorflow_nor_any_of_its_company(repository: Path):
    code = (
        "import sys; from pipeline.machine import doctor; doctor.run_checks(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    heavy = {"tensorflow", "tf_keras", "keras", "keras_nlp", "tfx", "apache_beam", "numpy", "pandas", "sklearn"}
    assert heavy & set(done.stdout.split()) == set()


def test_a_broken_check_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise RuntimeError("no such register")

    monkeypatch.setattr(look, "check_cpu", broken)
    checks = {check.name: check for check in doctor.run_checks()}
    assert checks["CPU"].state == "warn"
    assert "no such register" in checks["CPU"].found
    assert checks["memory"].state in ("ok", "warn")


@pytest.mark.parametrize(
    ("version", "state", "says"),
    [((2, 17), "fail", "2.27"), ((2, 38), "ok", "holds"), ((2, 39), "ok", "Python 3.12"), (None, "fail", "musl")],
)
def test_the_c_library_decides_which_row_of_wheels_runs(monkeypatch, version, state, says):
    monkeypatch.setattr(host, "glibc_version", lambda: version)
    check = look.check_glibc()
    assert check.state == state
    assert says in check.found + check.advice


def test_the_c_library_asked_for_is_the_newest_that_a_locked_wheel_needs(repository: Path):
    packages = tomllib.loads((repository / "uv.lock").read_text())["package"]
    assert max(_oldest_glibc(package) for package in packages) == look._GLIBC_LOCKED


def _oldest_glibc(package: dict) -> tuple[int, int]:
    """The oldest glibc for which the package has a wheel, (0, 0) where it does not matter."""
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    oldest = []
    for wheel in package.get("wheels", []):
        *_, python, abi, platforms = wheel["url"].rpartition("/")[2].removesuffix(".whl").split("-")
        if not ({"cp311", "py3", "py2"} & set(python.split(".")) or abi == "abi3"):
            continue
        for platform in platforms.split("."):
            named = re.match(r"manylinux_(\d+)_(\d+)_x86_64", platform)
            if named:
                oldest.append((int(named[1]), int(named[2])))
            elif platform == "any" or (platform.endswith("_x86_64") and platform.startswith("manylinux")):
                oldest.append(legacy.get(platform.removesuffix("_x86_64"), (0, 0)))
    return min(oldest, default=(0, 0))


@pytest.mark.parametrize(
    ("memory", "state"),
    [((2 * GIB, GIB), "fail"), ((16 * GIB, 4 * GIB), "warn"), ((16 * GIB, 12 * GIB), "ok"), (None, "warn")],
)
def test_memory(monkeypatch, memory, state):
    monkeypatch.setattr(host, "memory", lambda: memory)
    assert look.check_memory().state == state


def test_the_limit_of_a_container_counts_and_not_the_memory_of_its_host(monkeypatch, tmp_path: Path):
    info, limit, none = tmp_path / "meminfo", tmp_path / "memory.max", tmp_path / "absent"
    info.write_text("MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:   8388608 kB\n")
    monkeypatch.setattr(host, "_MEMORY_INFO", info)
    monkeypatch.setattr(host, "_MEMORY_LIMITS", (limit, none))
    limit.write_text("max\n")
    assert host.memory() == (16 * GIB, 8 * GIB)
    limit.write_text(f"{2 * GIB}\n")
    assert host.memory() == (2 * GIB, 2 * GIB)
    info.write_text("nonsense")
    assert host.memory() is None


@pytest.mark.parametrize(("free", "installed", "state"), [(3, False, "fail"), (3, True, "warn"), (60, False, "ok")])
def test_disk_must_hold_the_environment_only_while_it_is_not_there(monkeypatch, versions, free, installed, state):
    if not installed:
        versions.clear()
    monkeypatch.setattr(host, "free_disk", lambda path: free * GIB)
    assert look.check_disk().state == state


@pytest.mark.parametrize(
    ("flags", "state", "says"),
    [
        ({"sse2"}, "fail", "AVX"),
        ({"avx", "avx2"}, "ok", "float32"),
        ({"avx", "avx512f", "avx512_bf16"}, "ok", "mixed_bfloat16"),
        (set(), "ok", "unknown"),
    ],
)
def test_the_processor_decides_the_automatic_precision(monkeypatch, flags, state, says):
    monkeypatch.setattr(cpu, "cpu_flags", lambda: frozenset(flags))
    check = look.check_cpu()
    assert check.state == state
    assert says in check.found + check.advice


def test_a_gpu_that_tensorflow_will_not_see_is_told(monkeypatch, versions):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(host, "gpus", lambda: ["A GPU, 24564 MiB, 550.54"])
    assert "tensorflow[and-cuda]==2.21.0" in look.check_gpu().advice
    versions["nvidia-cudnn-cu12"] = "9.5"
    assert look.check_gpu().state == "ok"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert look.check_gpu().state == "warn"


@pytest.mark.parametrize(
    ("package", "version", "says"),
    [
        ("tf-keras", "2.20.1", "TensorFlow's version"),
        ("keras-nlp", "0.14.0", "0.12"),
        ("keras-tuner", "1.4.7", "1.4"),
        ("tensorflow-model-optimization", "", "make setup"),
    ],
)
def test_packages_that_do_not_fit_keras_2_are_named(versions, package, version, says):
    assert look.check_keras().state == "ok"
    versions[package] = version
    check = look.check_keras()
    assert check.state == "fail"
    assert says in check.advice


def test_a_lock_is_followed_through_extras_and_stops_at_conditions(tmp_path: Path):
    path = tmp_path / "uv.lock"
    path.write_text(LOCK)
    versions, required = stack.read_lock(path)
    assert required == {"plain", "deep", "big", "added", "tool"}
    assert versions["win"] == {"1.4"}
    assert "project" not in versions


def test_missing_and_drifted_packages_are_named(monkeypatch, tmp_path: Path):
    (tmp_path / "uv.lock").write_text(LOCK)
    monkeypatch.setattr(look, "ROOT", tmp_path)
    installed = {"plain": "1.0", "deep": "1.1", "big": "2.0", "added": "1.2", "tool": "1.5", "alien": "9"}
    monkeypatch.setattr(stack, "installed_versions", lambda: installed)
    assert look.check_packages().state == "ok"
    installed["deep"] = "1.0"
    assert (look.check_packages().state, "deep 1.0 (locked: 1.1)" in look.check_packages().found) == ("warn", True)
    del installed["added"]
    assert (look.check_packages().state, "added" in look.check_packages().found) == ("fail", True)


def test_a_cache_folder_that_cannot_be_written_is_a_fault(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("EDGELINE_CACHE", str(tmp_path / "not" / "yet" / "there"))
    assert look.check_cache().state == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EDGELINE_CACHE", str(tmp_path / "file"))
    check = look.check_cache()
    assert check.state == "fail"
    assert "EDGELINE_CACHE" in check.advice


def test_a_failing_index_is_told_without_the_password_in_its_address(monkeypatch):
    answer = SimpleNamespace(
        returncode=1, stderr="WARNING: x\nERROR: https://me:secret@index.invalid/simple: refused\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    assert look.check_index(online=False).state == "ok"
    check = look.check_index(online=True)
    assert check.state == "fail"
    assert "refused" in check.found
    assert "secret" not in check.found


@pytest.mark.parametrize(
    ("set_", "compiled", "state"), [(False, False, "ok"), (True, True, "ok"), (True, False, "warn")]
)
def test_bytecode(monkeypatch, tmp_path: Path, set_, compiled, state):
    if compiled:
        (tmp_path / "__pycache__").mkdir()
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", set_)
    monkeypatch.setattr(look.importlib.util, "find_spec", lambda name: spec)
    assert look.check_bytecode().state == state


@pytest.mark.parametrize("with_rich", [True, False])
def test_what_is_printed_and_the_exit_code(monkeypatch, capsys, with_rich):
    if not with_rich:
        for name in ("rich.console", "rich.table", "rich.text"):
            monkeypatch.setitem(sys.modules, name, None)
    checks = [look.Check("disk", "ok", "a lot"), look.Check("memory", "fail", "[1 GiB]", "Buy some.")]
    monkeypatch.setattr(doctor, "run_checks", lambda online: checks)
    assert doctor.main([]) == 1
    printed = capsys.readouterr().out
    assert "[1 GiB]" in printed
    assert "Buy some." in printed
    assert "1 to mend" in printed
    checks.pop()
    assert doctor.main([]) == 0

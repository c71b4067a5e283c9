"""Does here what the Dockerfile says, in a folder instead of an image: `python tests/image_tree.py DIR`.

Every COPY obeys .dockerignore, every RUN is the Dockerfile's own command with absolute paths moved below the folder.
What only an engine can do (system packages, users, other images) is left out.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOVED = ("/opt/venv", "/opt/edgeline-cache", "/app")
ONLY_IN_AN_ENGINE = ("apt-get", "useradd", "python -m pip install")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instruction and arguments, with continued lines joined and comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), re.sub(r"--mount=\S+\s*", "", rest).strip()


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore keeps a file out: the last pattern that matches it or a folder of it decides."""
    parts = path.split("/")
    candidates = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    out = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").removeprefix("**/")
        anywhere = pattern.removeprefix("!").startswith("**/")
        names = [name for item in candidates for name in ((item, item.split("/")[-1]) if anywhere else (item,))]
        if any(
            fnmatch.fnmatchcase(name, plain) and (anywhere or name.count("/") == plain.count("/")) for name in names
        ):
            out = not pattern.startswith("!")
    return out


def build_context() -> list[str]:
    """The files that an engine would be sent: what git knows or could know, without what .dockerignore keeps out."""
    patterns = [
        line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip() and line[0] != "#"
    ]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True, capture_output=True,
        check=True,
    ).stdout.splitlines()  # fmt: skip
    return sorted(path for path in set(listed) if (ROOT / path).is_file() and not ignored(path, patterns))


def make(folder: Path, *, install: bool = True) -> Path:
    """Makes the tree.

    Args:
        folder: where; must not exist yet.
        install: False leaves out the commands that install packages and fetch files, and what comes from them.

    Returns:
        The folder, with `app/` and `opt/` as in the image.
    """
    context = build_context()
    build, final = folder / "build", folder / "image"
    stage, work = build, "/"
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            stage, work = (build if " AS build" in rest else final), "/"
        elif word == "WORKDIR":
            work = rest
            _moved(stage, work).mkdir(parents=True, exist_ok=True)
        elif word == "COPY" and "--from=beam" not in rest:
            _copy(stage, work, rest, context, build, install=install)
        elif word == "RUN" and install and not any(part in rest for part in ONLY_IN_AN_ENGINE):
            _run(stage, work, rest)
    return final


def _moved(stage: Path, path: str) -> Path:
    return stage / path.lstrip("/")


def _copy(stage: Path, work: str, rest: str, context: list[str], build: Path, *, install: bool) -> None:
    *sources, target = [item for item in shlex.split(rest) if not item.startswith("--")]
    goal = _moved(stage, os.path.join(work, target))
    if "--from=build" in rest:
        if install:
            shutil.copytree(_moved(build, sources[0]), goal, symlinks=True, copy_function=os.link)
        return
    for source in sources:
        name = "" if source == "." else source
        for path in context:
            if not name or path == name or path.startswith(f"{name}/"):
                relative = path if not name else os.path.relpath(path, name if path != name else os.path.dirname(name))
                place = goal / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, place)


def _run(stage: Path, work: str, command: str) -> None:
    for path in MOVED:
        command = command.replace(path, str(_moved(stage, path)))
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    subprocess.run(
        ["sh", "-euc", command], cwd=_moved(stage, work), env={**environment, "ACCELERATOR": "cpu"}, check=True
    )


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))

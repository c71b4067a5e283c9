"""The readers of bundles in other languages, run for a comparison with the Python package; and bundles for them."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgeline_edge import archive
from tests.tools import programs

EDGE = Path(__file__).resolve().parents[1] / "edge"
DATA = EDGE / "edgeline_edge" / "data"
# A program that is compiled: its command, the bundle, what more it takes, and its lines of input.
Native = Callable[..., subprocess.CompletedProcess[str]]
# How to start `edge/tools/kotlin/Try.kt`, where somebody has compiled it: no test fetches Kotlin.
KOTLIN = shlex.split(os.environ.get("EDGELINE_KOTLIN", ""))


def compiled(program: Path) -> Native:
    """Compiles the C++ program.

    Args:
        program: the file to make.
    """
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"]
    source = EDGE / "examples" / "cpp" / "try.cpp"
    subprocess.run([programs.need(programs.COMPILER)["c++"], *flags, source, "-o", program], check=True)

    return started([str(program)])


def started(program: Sequence[str]) -> Native:
    """A program that takes what `edge/examples/cpp/try.cpp` takes.

    Args:
        program: how it is started.
    """

    def run(command: str, bundle: Path, *more: str, lines: list[str]) -> subprocess.CompletedProcess[str]:
        text = "".join(f"{line}\n" for line in lines)
        return subprocess.run(
            [*program, command, bundle, DATA, *more], input=text, capture_output=True, encoding="utf-8", check=False
        )

    return run


def in_node(
    folder: Path,
    bundles: dict[str, Path],
    records: dict[str, list[Any]],
    outputs: dict[str, list[Any]] | None = None,
) -> dict[str, Any]:
    """What the page's sources make of records, in Node.js.

    Args:
        folder: for the questions.
        bundles: files by name.
        records: texts or records for some of them; of what JSON lacks, as `edge/web/test/encode.mjs` says.
        outputs: for some of them what the model gave, float32 by window and output.

    Returns:
        By name: an answer for each record, then for each output; or why the bundle is refused.
    """
    questions = {
        "data": str(DATA), "bundles": {name: str(path) for name, path in bundles.items()}, "records": records,
        "outputs": outputs or {},
    }  # fmt: skip
    (folder / "questions.json").write_text(json.dumps(questions), "ascii")
    node = programs.need(programs.NODE)["node"]
    command = [node, EDGE / "web" / "test" / "encode.mjs", folder / "questions.json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(
        done.stdout, object_hook=lambda found: float(found["float"]) if found.keys() == {"float"} else found
    )
    return answers


def resealed(
    source: Path, target: Path, change: Callable[[dict[str, Any]], object], **members: tuple[str, str]
) -> Path:
    """Writes a bundle with another manifest and other members, as no writer of ours would; its seal is whole.

    Args:
        source: the bundle to alter.
        target: the file to write, which is returned.
        change: alters the manifest in place.
        members: by the name of its digest, name and content of a file.
    """
    content = source.read_bytes()
    end, files = archive.split(content)
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    for digest, (name, text) in members.items():
        files[name] = text.encode()
        manifest["digests"][digest] = hashlib.sha256(text.encode()).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()
    target.write_bytes(archive.append(content[:end], files, archive.version_of(content)))
    return target

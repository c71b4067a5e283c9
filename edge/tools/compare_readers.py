"""Compares ids of many texts by Python, JavaScript and C++, and how much of the processor's time each takes.

    python edge/tools/compare_readers.py model.tflite texts.txt …
    python edge/tools/compare_readers.py model.tflite reviews.csv --column text --pieces pieces.tsv

Needs Node.js and a C++ compiler. A file is read as lines, or with `--column` as CSV. `--pieces` puts another table of
pieces into the bundle, such as that of a whole encoder, which no model of a test has embeddings for; no model is run.
docs/edge.md has numbers of it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

EDGE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(EDGE))

from edgeline_edge import archive, tokenizers  # noqa: E402
from edgeline_edge.manifest import Manifest  # noqa: E402
from edgeline_edge.rows import Rows  # noqa: E402

DATA = EDGE / "edgeline_edge" / "data"
ROUNDS = 5


def texts_of(path: Path, column: str | None) -> Iterator[str]:
    """The texts of a file that are not empty.

    Args:
        path: the file.
        column: of a CSV file; None for lines.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = (row[column] for row in csv.DictReader(file)) if column else (line.rstrip("\n") for line in file)
        yield from (row for row in rows if row)


def with_pieces(bundle: bytes, pieces: bytes) -> bytes:
    """A bundle with another table of pieces, sealed anew.

    Args:
        bundle: one with a table.
        pieces: content of the other one.
    """
    end, members = archive.split(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["digests"]["vocabulary"] = hashlib.sha256(pieces).hexdigest()
    members |= {"pieces.tsv": pieces, "manifest.json": json.dumps(manifest).encode()}
    return archive.append(bundle[:end], members, archive.version_of(bundle))


def tokenizer_of(bundle: bytes) -> Rows:
    """The tokenizer of a bundle, without its model.

    Args:
        bundle: the whole file.
    """
    _, members = archive.split(bundle)
    manifest = Manifest.from_json(members["manifest.json"])
    kind = tokenizers.of_manifest(manifest.tokenizer)
    return kind.make(members[kind.member].decode().split("\n")[:-1], manifest.sequence_length)


def in_python(bundle: bytes, texts: Sequence[str]) -> tuple[list[list[int]], float]:
    """Ids, and the microseconds of the processor's time that a text takes."""
    tokenizer = tokenizer_of(bundle)
    started = time.process_time()
    rows = tokenizer.encode(texts)[0]
    return rows.tolist(), (time.process_time() - started) * 1e6 / len(texts)


def in_node(bundle: Path, texts: Sequence[str], folder: Path) -> tuple[list[list[int]], float]:
    """The same by the page's sources, of the best of some rounds, since the first ones compile."""
    script, asked, answered = EDGE / "web" / "test" / "tokenize.mjs", folder / "texts.json", folder / "ids.json"
    asked.write_text(json.dumps(texts), "ascii")
    command: list[str | Path] = ["node", script, bundle, DATA, asked, answered, str(ROUNDS)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(answered.read_text("ascii")), float(told)


def in_cpp(bundle: Path, texts: Sequence[str], folder: Path) -> tuple[list[list[int]], float]:
    """The same by the C++ headers, of the best of some rounds."""
    compiler = shutil.which("c++") or shutil.which("g++") or "clang++"
    source = EDGE / "examples" / "cpp" / "try.cpp"
    subprocess.run([compiler, "-std=c++17", "-O2", source, "-o", folder / "try"], check=True)
    lines = "".join(f"{text.encode().hex()}\n" for text in texts)
    command: list[str | Path] = [folder / "try", "times", bundle, DATA, str(ROUNDS)]
    done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True)
    return [[int(number) for number in line.split()] for line in done.stdout.splitlines()], float(done.stderr)


def main() -> int:
    """Prints what was found; 1 where ids differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("texts", type=Path, nargs="+", help="files of texts, UTF-8")
    parser.add_argument("--column", help="of CSV files")
    parser.add_argument("--most", type=int, help="texts to take, spread over all")
    parser.add_argument("--pieces", type=Path, help="a table of pieces instead of the bundle's")
    arguments = parser.parse_args()
    texts = [text for path in arguments.texts for text in texts_of(path, arguments.column)]
    texts = texts[:: max(1, len(texts) // arguments.most)] if arguments.most else texts
    bundle = arguments.bundle.read_bytes()
    if arguments.pieces:
        bundle = with_pieces(bundle, arguments.pieces.read_bytes())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model.tflite"
        path.write_bytes(bundle)
        expected, took = in_python(bundle, texts)
        print(f"{len(texts):,} texts of {sum(map(len, texts)) / len(texts):.0f} characters")
        print(f"Python      {took:8.1f} µs a text")
        wrong = 0
        for language, run in (("JavaScript", in_node), ("C++", in_cpp)):
            found, took = run(path, texts, folder)
            other = [text for text, a, b in zip(texts, expected, found, strict=True) if a != b]
            print(f"{language:<11} {took:8.1f} µs a text, {len(other)} texts with other ids {other[:1] or ''}")
            wrong += len(other)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes `docs/benchmarks.md` from the result files; no figure in it is typed by hand.

python -m benchmarks.report            write the document
python -m benchmarks.report --check    say whether it is what the result files give (exit code 1 if not)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import results, tables

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
# Their order in the document; a result file that is not named here comes last, by name.
ORDER = (
    "training_throughput",
    "edge_inference",
    "quality",
    "pipeline_overhead",
    "startup",
    "growth",
    "data_plane",
)
HEAD = """# Benchmarks

<!-- Written by `python -m benchmarks.report` from benchmarks/results/*.json. Do not edit: a test compares them. -->

Side by side with what one would pick instead. Both sides take turns on the same machine, on the same data, with the
same seeds and the same number of threads. Noise is shown as min / median / max over the rounds; a ratio is that of two
sides in the same round, and its median is what a goal is held against. A goal that is missed stands here with its
reason. Each section names the command that made it; `make bench` runs them all, after `make bench-peers` has installed
the peers from their own lock.
"""


def document(folder: Path = results.FOLDER) -> str:
    """The document that the result files of a folder give."""
    found = {file.stem: results.read(file) for file in sorted(folder.glob("*.json"))}
    names = [name for name in ORDER if name in found] + sorted(set(found) - set(ORDER))
    return "\n".join([HEAD, *(f"{tables.section(found[name])}\n" for name in names)])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    text = document()
    if options.check:
        same = DOCUMENT.is_file() and DOCUMENT.read_text(encoding="utf-8") == text
        print("docs/benchmarks.md is what the result files give." if same else "Stale: python -m benchmarks.report")
        return 0 if same else 1
    partial = DOCUMENT.with_suffix(".md.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, DOCUMENT)
    print("docs/benchmarks.md written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

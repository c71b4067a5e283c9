"""Writes `docs/benchmarks.md` and the README's table from the result files; no figure in them is typed by hand.

python -m benchmarks.report            write both
python -m benchmarks.report --check    say whether they are what the result files give (exit code 1 if not)
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import results, sources, tables

_ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, README = _ROOT / "docs" / "benchmarks.md", _ROOT / "README.md"
BEGIN, END = "<!-- benchmarks: written by `python -m benchmarks.report` -->", "<!-- /benchmarks -->"
# Their order in the document; a result file that is not named here comes last, by name.
ORDER = (
    "compression",
    "training_throughput",
    "edge_inference",
    "quality",
    "any_file",
    "tasks",
    "pipeline_overhead",
    "startup",
    "growth",
    "data_plane",
    "serving",
    "serving_monitored",
    "monitoring",
)
HEAD = """# Benchmarks

<!-- Written by `python -m benchmarks.report` from benchmarks/results/*.json. Do not edit: a test compares them. -->

Side by side with what one would pick instead. Both sides take turns on the same machine, on the same data, with the
same seeds and the same number of threads. Noise is shown as min / median / max over the rounds; a ratio is that of two
sides in the same round, and its median is what a goal is held against. A goal that is missed stands here with its
reason, and a result whose code has changed since says so. Each section names the command that made it; `make bench`
runs most of them after `make bench-peers` has installed the peers from their own lock; `any_file` and `tasks` take
hours, and those of serving and monitoring want a pushed model.
"""


def read_all(folder: Path = results.FOLDER) -> list[dict[str, Any]]:
    """The results of a folder in the order of the document."""
    found = {file.stem: results.read(file) for file in sorted(folder.glob("*.json"))}
    names = [name for name in ORDER if name in found] + sorted(set(found) - set(ORDER))
    return [found[name] for name in names]


def document(found: Sequence[Mapping[str, Any]], mark: Callable[[Mapping[str, Any]], str] = sources.mark) -> str:
    """The document that results give.

    Args:
        found: the results.
        mark: what to say of one whose code has changed.
    """
    return "\n".join([HEAD, *(f"{tables.section(result, mark(result))}\n" for result in found)])


def unmarked(text: str) -> str:
    """A document without those marks: they are of the day on which it was written.

    Args:
        text: of the document.
    """
    return re.sub(rf"^- {re.escape(sources.MARK)}.*\n\n?", "", text, flags=re.MULTILINE)


def readme(text: str, found: Sequence[Mapping[str, Any]]) -> str:
    """The README with the table of all goals between its two marks.

    Args:
        text: the README as it is.
        found: the results.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md: the lines {BEGIN} and {END} are missing; the table stands between them")
    rows = [
        [result["title"], goal["what"], goal["bound"], goal["value"], "" if goal["met"] else "**missed**"]
        for result in found
        for goal in result["goals"]
    ]
    table = tables.markdown_table(["", "what", "goal", "measured", ""], rows)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    found = read_all()
    texts = {DOCUMENT: document(found), README: readme(README.read_text(encoding="utf-8"), found)}
    stale = [
        file for file, text in texts.items()
        if not file.is_file() or unmarked(file.read_text(encoding="utf-8")) != unmarked(text)
    ]  # fmt: skip
    names = ", ".join(str(file.relative_to(_ROOT)) for file in (stale if options.check else texts))
    if options.check:
        print(f"Stale: {names}. `python -m benchmarks.report` mends it." if stale else "Up to date.")
        return 1 if stale else 0
    for file, text in texts.items():
        partial = file.with_suffix(".md.partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, file)
    print(f"Written: {names}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

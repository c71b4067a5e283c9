"""Measures the Python tokenizer of the edge package, one text at a time: from a text to its row of 64 ids.

    python -m benchmarks.edge_tokenizer [--dataset vader] [--rounds 9]

The vocabulary is MiniLM's. In each round a new tokenizer reads nine tenths of a data set, as one has that has run for a
while, and is then timed on the texts of the last tenth: when it meets them, and when it meets them again. It prints
microseconds a text, of which `normalisation` is a part.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.harness.progress import say
from benchmarks.harness.spread import Spread

TOKENS = 64
EVERY = 10


def read(dataset: str) -> list[str]:
    """The texts of a data set, in its own order.

    Raises:
        ValueError: it has no column `text`.
    """
    from modules.datasets.base import csv_file

    with csv_file(dataset).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if "text" not in (rows.fieldnames or ()):
            raise ValueError(f"--dataset {dataset} has no column `text`; it has: {', '.join(rows.fieldnames or ())}")
        return [row["text"] for row in rows]


def microseconds(work: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """How long each text takes."""
    times = []
    for text in texts:
        began = time.perf_counter_ns()
        work(text)
        times.append((time.perf_counter_ns() - began) / 1000)
    return times


def measured(vocabulary: Sequence[str], seen: Sequence[str], timed: Sequence[str]) -> dict[str, list[float]]:
    """One round: microseconds of each text, by what was done to it."""
    from edgeline_edge.normalization import bert_uncased
    from edgeline_edge.tokenizer import Tokenizer

    tokenizer = Tokenizer(vocabulary, TOKENS)
    tokenizer.encode(seen)

    def encode(text: str) -> object:
        return tokenizer.encode([text])

    return {
        "a new text": microseconds(encode, timed),
        "the same again": microseconds(encode, timed),
        "normalisation": microseconds(bert_uncased().apply, timed),
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="vader", help="one with a column `text` (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="(default: %(default)s)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}, must be at least 1")
    from modules.network.backbones.minilm.source import SOURCE, VOCABULARY

    vocabulary = SOURCE.file(VOCABULARY).read_text(encoding="utf-8").splitlines()
    texts = read(options.dataset)
    timed = texts[::EVERY]
    seen = [text for number, text in enumerate(texts) if number % EVERY]
    rounds = []
    for number in range(options.rounds):
        say(f"round {number + 1}/{options.rounds}")
        rounds.append(measured(vocabulary, seen, timed))
    print("| µs of a text | p50 | p95 |\n|---|---|---|")
    for name in rounds[0]:
        p50 = [statistics.median(found[name]) for found in rounds]
        p95 = [statistics.quantiles(found[name], n=20)[-1] for found in rounds]
        print(f"| {name} | {Spread.of(p50).shown()} | {Spread.of(p95).shown()} |")
    print(f"\n{len(timed)} texts of {statistics.median(map(len, timed)):.0f} characters (median)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

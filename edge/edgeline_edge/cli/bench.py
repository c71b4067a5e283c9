"""`edgeline-edge bench`: how fast a bundle answers on this machine, and what the package adds to the bare runtime."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from edgeline_edge.bundle import Bundle, read_bundle
from edgeline_edge.classifier import NO_WINDOW, Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.inputs import kinds
from edgeline_edge.runtime import Model

TEXTS = (
    "A warm, funny film that earns its tears.",
    "The battery died after two days, and nobody answered my mails.",
    "It arrived on Tuesday.",
    "I wanted to like this, but the plot makes no sense and the ending is worse.",
    "Best purchase of the year!!! 😀",
    "The committee will publish its report on the water supply in spring, officials said on Monday.",
    "meh",
    "Not bad at all; the second half even made me laugh out loud.",
)
_COLD_RUNS = 5
_COLD_START = """
import time; start = time.perf_counter()
from edgeline_edge import Classifier
imported = time.perf_counter()
classifier = Classifier.load({path!r})
loaded = time.perf_counter()
classifier.predict([classifier.row("A warm, funny film that earns its tears.")])
answered = time.perf_counter()
import json
try:
    import resource, sys
    # macOS counts in bytes, Linux in KiB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
except ImportError:
    peak = None
print(json.dumps({{"import_s": imported - start, "load_s": loaded - imported, "first_answer_s": answered - loaded,
                  "total_s": answered - start, "peak_memory_bytes": peak}}))
"""


def bench(options: argparse.Namespace) -> int:
    """Runs the command.

    Args:
        options: the parsed command line.

    Returns:
        0.

    Raises:
        BundleError: the bundle is refused.
        ValueError: the file of texts holds none.
    """
    texts: tuple[str, ...] = TEXTS
    if options.texts:
        lines = Path(options.texts).read_text("utf-8", "replace").split("\n")
        texts = tuple(line for line in lines if line.strip())
        if not texts:
            raise ValueError(f"{options.texts} holds no text")
    bundle = read_bundle(options.bundle)
    report = {
        "bundle": os.fspath(options.bundle),
        "bytes": len(bundle.content),
        "recipe": bundle.manifest.recipe,
        "sequence_length": bundle.manifest.sequence_length,
        "texts": len(texts),
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "cold_start": cold_start(options.bundle),
        "latency": [measure(bundle, texts, threads, options.seconds) for threads in range(1, options.threads + 1)],
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)
    return 0


def cold_start(path: str | os.PathLike[str], runs: int = _COLD_RUNS) -> dict[str, Any]:
    """Measures import, load and first answer in fresh processes.

    Args:
        path: the bundle.
        runs: how many processes; the one with the median total is reported.

    Returns:
        `import_s`, `load_s`, `first_answer_s`, `total_s`, and the process's `peak_memory_bytes` (`None` on Windows).
    """
    code = _COLD_START.format(path=os.fspath(Path(path).resolve()))
    # The fresh process shall find the packages that this one found.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    found = []
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    return dict(sorted(found, key=lambda run: run["total_s"])[len(found) // 2])


def measure(bundle: Bundle, texts: tuple[str, ...], threads: int, seconds: float) -> dict[str, Any]:
    """Measures answers for one text at a time, next to the bare interpreter on the same ids.

    The two are measured in turns, text by text, so that whatever else the machine does falls on both alike.

    Args:
        bundle: the bundle.
        texts: what to classify, in turn.
        threads: threads per call.
        seconds: how long to measure.

    Returns:
        Milliseconds at the 50th, 95th and 99th percentile, the same of the bare interpreter, the ratio of the
        medians, and texts per second.
    """
    with quiet_runtime():
        classifier = Classifier(bundle, threads)
        bare = Model(bundle.content, threads, kinds.table(bundle.manifest.inputs or ()), type(classifier.target))
    reads = bundle.manifest
    rows = [NO_WINDOW for _ in texts]
    if reads.has_text:
        tokenizer = classifier.tokenizer
        rows = [tokenizer.rows(tokenizer.cut(text, reads.long_text, reads.max_windows)) for text in texts]
    asked = [classifier.row(text) for text in texts]
    clock = time.perf_counter_ns

    def time_whole(index: int) -> int:
        start = clock()
        classifier.predict([asked[index]])
        return clock() - start

    def time_bare(index: int) -> int:
        token_ids, padding_mask = rows[index]
        start = clock()
        for row in range(len(token_ids)):
            bare(token_ids[row : row + 1], padding_mask[row : row + 1])
        return clock() - start

    whole: list[int] = []
    inner: list[int] = []
    measures = [(time_whole, whole), (time_bare, inner)]
    warm_up = clock() + int(seconds * 0.2e9)
    until = warm_up + int(seconds * 1e9)
    turn = 0
    while (now := clock()) < until or len(whole) < 2 * len(texts):
        for run, found in measures:
            elapsed = run(turn % len(texts))
            if now >= warm_up:
                found.append(elapsed)
        turn += 1
        # Whoever goes second finds warmer caches: change places.
        measures.reverse()
    result: dict[str, Any] = {"threads": threads, "answers": len(whole)}
    result.update({f"p{p}_ms": _percentile(whole, p) for p in (50, 95, 99)})
    result.update({f"bare_p{p}_ms": _percentile(inner, p) for p in (50, 95, 99)})
    result["ratio_p50"] = result["p50_ms"] / result["bare_p50_ms"]
    result["texts_per_second"] = 1e9 / statistics.fmean(whole)
    return result


def _percentile(nanoseconds: list[int], percent: int) -> float:
    ordered = sorted(nanoseconds)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] / 1e6


def _show(report: dict[str, Any]) -> None:
    cold = report["cold_start"]
    memory = f"{cold['peak_memory_bytes'] / 2**20:.0f} MiB" if cold["peak_memory_bytes"] else "unknown"
    print(f"{report['bundle']}: {report['bytes']:,} bytes, {report['recipe']}, {report['texts']} texts")
    print(
        f"cold start {cold['total_s']:.3f} s (import {cold['import_s']:.3f}, load {cold['load_s']:.3f}, "
        f"first answer {cold['first_answer_s']:.3f}); peak memory {memory}"
    )
    print(f"{'threads':>7} {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'bare p50':>9} {'ratio':>6} {'texts/s':>9}")
    for row in report["latency"]:
        print(
            f"{row['threads']:>7} {row['p50_ms']:>9.3f} {row['p95_ms']:>9.3f} {row['p99_ms']:>9.3f} "
            f"{row['bare_p50_ms']:>9.3f} {row['ratio_p50']:>6.3f} {row['texts_per_second']:>9.1f}"
        )

"""The edge package on a device: one bundle, one text at a time, from nothing to the answer."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness.memory import peak_bytes
from benchmarks.harness.worker import serve


def prepare(bundle: Path, threads: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Imports and loads.

    Args:
        bundle: the file.
        threads: of the interpreter.

    Returns:
        Answers `{"texts": [...]}` with `ms` and `cpu_ms` of each, `labels` (ids), and what the start cost.
    """
    began = time.perf_counter()
    from edgeline_edge import Classifier

    imported = time.perf_counter()
    classifier = Classifier.load(bundle, num_threads=threads)
    ids = {label: index for index, label in enumerate(classifier.labels)}
    start = {"import_s": imported - began, "load_s": time.perf_counter() - imported}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        times, cpu_times, labels = [], [], []
        for text in request["texts"]:
            began, cpu = time.perf_counter(), time.process_time()
            [prediction] = classifier.predict([text])
            times.append(1e3 * (time.perf_counter() - began))
            cpu_times.append(1e3 * (time.process_time() - cpu))
            labels.append(ids[prediction.label])
        return {"ms": times, "cpu_ms": cpu_times, "labels": labels, "peak_bytes": peak_bytes(), **start}

    return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    serve(lambda: prepare(options.bundle, options.threads))

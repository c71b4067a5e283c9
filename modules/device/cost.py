"""What a variant costs on a device: time of a single text, in alternation with the others, and peak memory.

Machines are never quiet. Times of two variants are only comparable if every disturbance hits both, so each text goes
through every variant before the next text's turn comes, in an order that changes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from edgeline_edge import Classifier

_MEMORY_PROBE = """
import json, pathlib, resource, sys
def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # getrusage would tell the peak of the process that started this one, if that was larger
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
import numpy, ai_edge_litert.interpreter
from edgeline_edge import Classifier
texts = json.loads(sys.stdin.read())
before = peak()
classifier = Classifier.load(sys.argv[1], num_threads=1)
classifier.predict(texts)
print(json.dumps({"peak_bytes": peak(), "runtime_bytes": before}))
"""


def alternating_latency(
    classifiers: Mapping[str, Classifier], texts: Sequence[str], *, rounds: int = 3
) -> dict[str, dict[str, float]]:
    """Times single texts, tokenization included.

    Args:
        classifiers: by name, loaded.
        texts: what to classify, one call for each.
        rounds: times that every text goes through every classifier.

    Returns:
        By name `p50_ms`, `p95_ms` and `mean_ms`.

    Raises:
        ValueError: no texts.
    """
    if not texts:
        raise ValueError("latency needs at least one text.")
    names = list(classifiers)
    for name in names:
        classifiers[name].predict([texts[0]])  # the first call allocates
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for number, text in enumerate(texts):
            shift = (turn + number) % len(names)
            for name in names[shift:] + names[:shift]:
                began = time.perf_counter()
                classifiers[name].predict([text])
                times[name].append(1e3 * (time.perf_counter() - began))
    return {
        name: {
            "p50_ms": float(np.percentile(values, 50)),
            "p95_ms": float(np.percentile(values, 95)),
            "mean_ms": float(np.mean(values)),
        }
        for name, values in times.items()
    }


def peak_memory(bundle: str, texts: Sequence[str], *, timeout: float = 120.0) -> dict[str, Any]:
    """Peak resident memory of a process that does nothing but classify texts with a bundle.

    Args:
        bundle: path of the file.
        texts: what to classify.
        timeout: seconds after which the process is given up.

    Returns:
        `peak_bytes`, and `runtime_bytes` before the bundle was loaded; or `error`.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY_PROBE, bundle],
            input=json.dumps(list(texts)),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
            env=environment,
        )
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        return {"error": str(detail).strip()[-300:]}

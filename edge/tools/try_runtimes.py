"""Runs bundles in older and newer runtimes, and prints how far their answers lie from the newest one's.

    python edge/tools/try_runtimes.py model.tflite …

Each runtime comes from the package index by pip, into a temporary folder of its own, and runs in a process of its own
that has nothing but NumPy beside it. A runtime that refuses a file is as good as one that answers rightly; what must
not be is one that answers otherwise. docs/edge.md has the table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

# The oldest that there is a wheel of for Python 3.11, each step of what the kernels can do, and the package's bound.
RUNTIMES = (
    "tflite-runtime==2.14.0",
    "ai-edge-litert==1.0.1",
    "ai-edge-litert==1.2.0",
    "ai-edge-litert==1.4.0",
    "ai-edge-litert==2.0.3",
    "ai-edge-litert==2.1.0",
    "ai-edge-litert==2.3.0",
)
# The last NumPy that the oldest of them was built for.
NUMPY = "numpy==1.26.4"

_RUN = """
import sys
import numpy as np
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter
rows = np.load(sys.argv[2])
try:
    runner = Interpreter(model_path=sys.argv[1]).get_signature_runner("serving_default")
except (ValueError, RuntimeError) as error:
    sys.exit("refused: " + str(error).strip().splitlines()[0])
feeds = ({name: rows[name][row : row + 1] for name in rows} for row in range(len(rows["token_ids"])))
np.save(sys.argv[3], np.concatenate([runner(**feed)["probabilities"] for feed in feeds]))
"""


class RefusedError(Exception):
    """A runtime does not take a file; the text is its own."""


def install(runtime: str, folder: Path) -> Path:
    """Installs a runtime beside nothing else.

    Args:
        runtime: a requirement with its version.
        folder: where to.

    Returns:
        The folder to import from.

    Raises:
        subprocess.CalledProcessError: the index has no such wheel for this machine.
    """
    for package in (NUMPY, runtime):
        target = folder / package.replace("==", "-")
        if not target.exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
            command += ["--only-binary=:all:", "--target", str(target), package]
            subprocess.run(command, check=True, capture_output=True, text=True)
    return target


def answers(
    site: Path, model: Path, token_ids: npt.NDArray[np.int32], padding_mask: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32]:
    """Runs a model in another runtime.

    Args:
        site: what `install` returned.
        model: the file.
        token_ids: int32 `[rows, sequence_length]`.
        padding_mask: int32 `[rows, sequence_length]`.

    Returns:
        float32 `[rows, labels]`.

    Raises:
        RefusedError: the runtime does not load the file.
        RuntimeError: it loads, and then fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder, "rows.npz"), Path(folder, "out.npy")
        np.savez(rows, token_ids=token_ids, padding_mask=padding_mask)
        numpy = site.with_name(NUMPY.replace("==", "-"))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, numpy)))}
        # -S: without the packages of this environment, whose runtime would be found instead.
        command = [sys.executable, "-S", "-c", _RUN, str(model), str(rows), str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        told = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}"
        if told.startswith("refused: ") and done.returncode:
            raise RefusedError(told.removeprefix("refused: "))
        if done.returncode:
            raise RuntimeError(told)
        result: npt.NDArray[np.float32] = np.load(out)
        return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, as Markdown.

    Args:
        arguments: of the command line.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path, metavar="MODEL", help="bundles (model.tflite)")
    parser.add_argument("--texts", type=Path, help="one text a line; a built-in set otherwise")
    parser.add_argument("--runtimes", nargs="+", default=RUNTIMES, metavar="NAME==VERSION")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        sites = {runtime: install(runtime, Path(folder)) for runtime in options.runtimes}
        for bundle in options.bundles:
            records += _table(bundle, options.texts, sites)
    if options.json:
        print(json.dumps(records, indent=1))
        return 0
    print("| file | runtime | largest difference of a score | labels that differ |\n|---|---|---|---|")
    for record in records:
        said = record.get("refused") or record.get("failed")
        shown = f"{said} | |" if said else f"{record['difference']:.4f} | {record['flips']} of {record['rows']} |"
        print(f"| {record['file']} | {record['runtime']} | {shown}")
    return 0


def _table(bundle: Path, texts: Path | None, sites: dict[str, Path]) -> list[dict[str, object]]:
    sys.path.append(str(Path(__file__).parents[1]))
    from edgeline_edge import Classifier
    from edgeline_edge.cli.bench import TEXTS

    classifier = Classifier.load(bundle)
    rows = classifier.tokenizer.encode(texts.read_text("utf-8").splitlines() if texts else TEXTS)
    records: list[dict[str, object]] = []
    found: dict[str, npt.NDArray[np.float32]] = {}
    for runtime, site in sites.items():
        record: dict[str, object] = {"file": bundle.name, "runtime": runtime, "rows": len(rows[0])}
        try:
            found[runtime] = answers(site, bundle, *rows)
        except (RefusedError, RuntimeError) as error:
            record["refused" if isinstance(error, RefusedError) else "failed"] = str(error)
        records.append(record)
    newest = found[max(found, key=list(sites).index)]
    for record in records:
        got = found.get(str(record["runtime"]))
        if got is not None:
            record["difference"] = float(np.abs(got - newest).max())
            record["flips"] = int((got.argmax(axis=1) != newest.argmax(axis=1)).sum())
    return records


if __name__ == "__main__":
    sys.exit(main())

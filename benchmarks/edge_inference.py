"""The bundle that ships against the same fine-tuned network in ONNX Runtime, from raw text, one text at a time.

    python -m benchmarks.edge_inference [--profile full] [--root FOLDER] [--rounds 9] [--threads 1] [--quick]

Ours: the selected bundle of the latest run, through the edge package. The peer: the blessed server model of the same
run, its weights mapped to PyTorch (checked against the Keras model's probabilities), exported to ONNX and quantized by
ONNX Runtime (dynamic int8, also after its optimizer for transformers), with Hugging Face's tokenizer. For fairness the
student is exported as well. Every side lives in a process of its own and gets the same texts of the test split, in
turns. Start, load and memory are those of fresh processes, in turns as well. Accuracy is that of the whole test split.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import command, machine
from benchmarks.harness.alternation import alternate
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import Spread, paired_ratio, rounded
from benchmarks.harness.worker import ROOT, Worker

OURS = "Edgeline bundle"
FILES = {
    "ONNX Runtime, float32": "blessed.float32.onnx",
    "ONNX Runtime, int8": "blessed.int8.onnx",
    "ONNX Runtime, int8, fused": "blessed.fused.int8.onnx",
    "student in ONNX Runtime, float32": "student.float32.onnx",
    "student in ONNX Runtime, int8": "student.int8.onnx",
    "student in ONNX Runtime, int8, fused": "student.fused.int8.onnx",
}
# What a user would ship instead; the goal is held against the faster of the two.
PEERS = ("ONNX Runtime, int8", "ONNX Runtime, int8, fused")
EXPLANATION = """\
One text at a time from raw text to label, tokenization included. Ours: the bundle that the run selected, through the
edge package, in the shortest of its windows that holds the text. The peer: the blessed server model of the same run
exported to ONNX and quantized by ONNX Runtime (dynamic int8, weights per channel), with Hugging Face's tokenizer and a
dynamic length, so that a short text costs it a short pass. The student's rows tell how much of the difference is the
student and how much the runtime. Sizes include the vocabulary, which the bundle carries inside. Start is import, load
and first answer in a fresh process; memory its peak. CPU time hardly depends on what else the machine does."""


def measure(options: argparse.Namespace) -> Result:
    """Lets all sides answer in turns."""
    command.peers()
    rounds, texts, starts, rows = (2, 5, 2, 50) if options.quick else (options.rounds, options.texts, 5, None)
    parts = ["texts", "blessed", "student", command.bundle_part(options)]
    with command.exported(options, parts) as (folder, run), contextlib.ExitStack() as stack:
        notes = [*command.bundle_notes(options), *_export(folder)]
        test = json.loads((folder / "test.json").read_text(encoding="utf-8"))
        test = {name: [text or " " for text in values] if name == "texts" else values for name, values in test.items()}
        sides = {OURS: folder / "bundle.tflite"}
        sides |= {name: folder / file for name, file in FILES.items() if (folder / file).is_file()}

        def start(name: str) -> Worker:
            return _worker(folder, run, sides[name], options.threads)

        cold = alternate({name: _cold(start, name, test["texts"][0]) for name in sides}, starts, what="start, ")
        workers = {name: stack.enter_context(start(name)) for name in sides}
        timed = test["texts"][:texts]
        for worker in workers.values():
            worker.ask(texts=timed[:3])
        turns = alternate({name: _asks(worker, timed) for name, worker in workers.items()}, rounds)
        labels = {}
        for name, worker in workers.items():
            say(f"the whole test split: {name}")
            labels[name] = worker.ask(texts=test["texts"][:rows])["labels"]
        sizes = {name: path.stat().st_size for name, path in sides.items()}
        vocabulary = {
            name: 0 if name == OURS else (folder / f"{path.name.split('.')[0]}.vocabulary.txt").stat().st_size
            for name, path in sides.items()
        }
    files = {name: sizes[name] + vocabulary[name] for name in sides}
    return _result(options, run, turns, cold, files, _scores(labels, test["labels"]), notes, texts)


def _export(folder: Path) -> list[str]:
    notes = []
    for part in ("blessed", "student"):
        say(f"exporting to ONNX: {part}")
        done = subprocess.run(
            [str(command.peers()), "-m", "benchmarks.peers.export_onnx", str(folder), part],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the export of the {part} network failed:\n{done.stderr[-3000:]}")
        record = json.loads(done.stdout.strip().splitlines()[-1])
        notes.append(
            f"The {part} network: its probabilities differ from Keras' by at most {record['torch_difference']:.1e} "
            f"in PyTorch and {record['onnx_difference']:.1e} in ONNX Runtime (float32)."
        )
        notes += [f"The {part} network, {what}: failed with {why}" for what, why in record["failed"].items()]
    return notes


def _worker(folder: Path, run: Mapping[str, Any], file: Path, threads: int) -> Worker:
    if file.suffix == ".tflite":
        return Worker("benchmarks.ours.inference", [str(file), str(threads)])
    vocabulary = folder / f"{file.name.split('.')[0]}.vocabulary.txt"
    arguments = [str(file), str(vocabulary), str(run["sequence_length"]), str(threads)]
    return Worker("benchmarks.peers.inference", arguments, interpreter=str(command.peers()))


def _cold(start: Any, name: str, text: str) -> Any:
    def once() -> dict[str, float]:
        with start(name) as worker:
            answer = worker.ask(texts=[text])
        return {
            "import_s": answer["import_s"], "load_s": answer["load_s"], "first_ms": answer["ms"][0],
            "peak_bytes": answer["peak_bytes"],
            "start_s": answer["import_s"] + answer["load_s"] + answer["ms"][0] / 1e3,
        }  # fmt: skip

    return once


def _asks(worker: Worker, texts: list[str]) -> Any:
    return lambda: worker.ask(texts=texts)


def _scores(labels: Mapping[str, list[int]], truth: list[int]) -> dict[str, dict[str, float]]:
    from modules.quality.scores import confusion, of_confusion

    import numpy as np

    found = {}
    for name, values in labels.items():
        scores = of_confusion(confusion(np.array(truth[: len(values)]), np.array(values), max(truth) + 1))
        found[name] = {metric: float(scores[metric]) for metric in ("accuracy", "macro_f1")}
    return found


def _result(
    options: argparse.Namespace, run: Mapping[str, Any], turns: Mapping[str, list[dict[str, list[float]]]],
    cold: Mapping[str, list[dict[str, float]]], sizes: Mapping[str, int], scores: Mapping[str, Mapping[str, float]],
    notes: list[str], texts: int,
) -> Result:  # fmt: skip
    p50, cpu = (
        {name: [statistics.median(answer[key]) for answer in found] for name, found in turns.items()}
        for key in ("ms", "cpu_ms")
    )
    p95 = {name: [statistics.quantiles(one["ms"], n=20)[-1] for one in found] for name, found in turns.items()}
    speed, quality = [], []
    for name in turns:
        spread, ratio = Spread.of(p50[name]), paired_ratio(p50[name], p50[OURS])
        starts = {key: Spread.of([one[key] for one in cold[name]]) for key in cold[name][0]}
        speed.append(
            [name, *(round(v, 2) for v in (spread.minimum, spread.median, spread.maximum)),
             round(statistics.median(p95[name]), 2),
             "" if name == OURS else ratio.shown(), round(statistics.median(cpu[name]), 2),
             "" if name == OURS else paired_ratio(cpu[name], cpu[OURS]).shown()]
        )  # fmt: skip
        quality.append(
            [name, sizes[name], "" if name == OURS else f"{sizes[name] / sizes[OURS]:.2f}",
             f"{scores[name]['accuracy']:.4f}", f"{scores[name]['macro_f1']:.4f}",
             round(starts["load_s"].median * 1e3), round(starts["start_s"].median * 1e3),
             round(starts["peak_bytes"].median / 2**20)]
        )  # fmt: skip
    peers = [name for name in PEERS if name in turns]
    goals = []
    if peers:
        fastest = min(peers, key=lambda name: statistics.median(p50[name]))
        smallest = min(peers, key=sizes.__getitem__)
        faster = rounded(paired_ratio(p50[fastest], p50[OURS]).median)
        smaller = rounded(sizes[smallest] / sizes[OURS])
        best = max(scores[name]["accuracy"] for name in peers)
        drop = rounded(best - scores[OURS]["accuracy"])
        goals = [
            Goal(f"times faster, p50 ({fastest})", "above 1", faster, faster > 1),
            Goal(f"times smaller ({smallest})", "above 1", smaller, smaller > 1),
            Goal("accuracy below the best int8 peer", "at most 0.01", drop, drop <= 0.01),
        ]
    return Result(
        name="edge_inference",
        title="Inference on a device",
        command="python -m benchmarks.edge_inference",
        explanation=EXPLANATION,
        machine=machine.describe(("ai-edge-litert", "tokenizers"), peers=command.peers(),
                                 peer_packages=("torch", "transformers", "onnx", "onnxruntime", "tokenizers")),
        settings={"threads": options.threads, "timed texts": texts, "rounds": len(turns[OURS]),
                  "window": run["sequence_length"], "fresh starts": len(cold[OURS])},
        tables=[
            Table(("side", "p50 ms min", "median", "max", "p95 ms", "this / ours", "CPU ms", "this / ours"), speed,
                   "Time of a text"),
            Table(("side", "bytes", "this / ours", "test accuracy", "macro-F1", "load ms", "start ms", "peak MiB"),
                  quality, "Size, quality, start and memory"),
        ],
        goals=goals,
        notes=notes,
        details={
            "p50_ms": {name: [rounded(value) for value in values] for name, values in p50.items()},
            "p50_cpu_ms": {name: [rounded(value) for value in values] for name, values in cpu.items()},
            "scores": scores,
        },
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__, rounds=9)
    command.add_variant(parser)
    parser.add_argument("--threads", type=int, default=1, help="of each side (default: %(default)s)")
    parser.add_argument("--texts", type=int, default=200, help="timed texts of the test split (default: %(default)s)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

"""Prints what compression made of the blessed model: every variant of the latest run, on the test split.

    uv run python benchmarks/compression.py [--config configs/sentiment.yaml] [--profile full] [--root DIR] [--json]

It measures anew, through the edge package and from raw text, the variants that TFLiteConverter left in the latest run
of the task: bytes and how many times smaller than the blessed model's float32 weights, accuracy and macro-F1 with
their loss, the worst slice, p50 of a single text and how many times faster than the blessed model converted as it is
in float32 (in alternation, the same threads), agreement with the student's own float32 variant, sparsity. The variant
that was shipped was chosen on the eval split; the test split is only reported.

Exit code 0; 1 if the shipped variant misses one of the project's bounds; 2 if there is no run to look at.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "edge")]

COLUMNS = (
    ("variant", "{}"), ("bytes", "{:,}"), ("size_ratio", "{:.2f}"), ("accuracy", "{:.4f}"), ("accuracy_drop", "{:.4f}"),
    ("worst_slice_drop", "{:.4f}"), ("macro_f1", "{:.4f}"), ("macro_f1_drop", "{:.4f}"), ("latency_p50_ms", "{:.2f}"),
    ("latency_ratio", "{:.2f}"), ("agreement", "{:.4f}"), ("sparsity", "{:.3f}"),
)  # fmt: skip


class NoRunError(LookupError):
    """There is no run with variants; the text says how to make one."""


def measure(config_path: Path, *, profile: str | None, root: Path | None, threads: int, texts: int) -> dict[str, Any]:
    """Measures the variants of the latest run on the test split.

    Args:
        config_path: the task's configuration.
        profile: the profile that the run had; for the columns and the gate.
        root: the folder of the task's runs, if it was moved.
        threads: of the interpreter.
        texts: texts that are timed.

    Returns:
        `variants` by name (`reference` is the blessed model in float32), `selected`, `missed` bounds, `run_id`.

    Raises:
        NoRunError: no run of the task has variants.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from pipeline import config_loader
    from pipeline.orchestration.paths import TaskPaths

    config = config_loader.load(config_path, profile=profile)
    run_id, uris = _latest(TaskPaths.of(config, root))

    from modules import edge_evaluation, gate
    from modules.raw_examples import read_raw_split
    from modules.variants import REFERENCE, read_index

    columns = config.data.columns
    index = read_index(uris["variants"])
    split = read_raw_split(
        [f"{uris['examples']}/Split-test/*"],
        text=columns.text, label=columns.label, slices=columns.slices, labels=index["labels"],
    )  # fmt: skip
    with open(f"{uris['evaluation']}/pareto.json", encoding="utf-8") as file:
        selected = json.load(file).get("selected")
    cost = edge_evaluation.CostSettings(texts=texts, rounds=5, threads=(threads,), memory=True)
    with tempfile.TemporaryDirectory() as folder:
        bundles = edge_evaluation.make_bundles(
            uris["variants"], folder, edge_evaluation.Provenance(config.task, f"benchmark of {run_id}")
        )
        results = edge_evaluation.measure(bundles, index, split, cost=cost)
    bounds = gate.Gate(**config.edge_evaluator.gate.model_dump())
    for name, values in results.items():
        values["selected"] = name == selected
        values["missed"] = [] if name == REFERENCE else gate.missed(values, bounds)
    return {
        "run_id": run_id,
        "split": "test",
        "threads": threads,
        "selected": selected,
        "missed": results[selected]["missed"] if selected else ["no variant passed the gate"],
        "reference_float32_bytes": index["reference"]["float32_bytes"],
        "sparsity": index["sparsity"],
        "variants": results,
    }


def table(variants: Mapping[str, Mapping[str, Any]]) -> str:
    """The variants as a table in Markdown; the shipped one has a star."""
    lines = ["| " + " | ".join(name for name, _ in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for name, values in variants.items():
        if "error" in values:
            lines.append(f"| {name} | failed: {values['error']} |")
            continue
        shown = {**values, "variant": f"{name} *" if values["selected"] else name}
        lines.append("| " + " | ".join(form.format(shown[key]) for key, form in COLUMNS) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "sentiment.yaml", help="the task")
    parser.add_argument("--profile", default="full", help="profile of the run (default: %(default)s)")
    parser.add_argument("--root", type=Path, help="folder of the task's runs, if it was moved")
    parser.add_argument("--threads", type=int, default=1, help="threads of the interpreter (default: %(default)s)")
    parser.add_argument("--texts", type=int, default=60, help="texts that are timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args(arguments)
    logging.getLogger("edgeline.progress").addHandler(logging.StreamHandler(sys.stderr))
    logging.getLogger("edgeline.progress").setLevel(logging.INFO)
    try:
        result = measure(
            options.config, profile=options.profile, root=options.root, threads=options.threads, texts=options.texts
        )
    except NoRunError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print(table(result["variants"]))
        print(f"\nrun {result['run_id']}, split {result['split']}, {result['threads']} thread(s); * is what ships.")
        print("\n".join(f"missed: {sentence}" for sentence in result["missed"]) or "All bounds are kept.")
    return 1 if result["missed"] else 0


def _latest(paths: Any) -> tuple[str, dict[str, str]]:
    """Id of the latest run that has variants, and the URIs of what it measured."""
    from pipeline.orchestration.history import past_runs

    for past in reversed(past_runs(paths)):
        from ml_metadata.proto import metadata_store_pb2

        from pipeline.orchestration.metadata_store import RunOutputs

        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(paths.metadata)
        connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        outputs = RunOutputs(connection, past.run_id)
        uris = {
            "variants": outputs.uri("TFLiteConverter", "variants"),
            "evaluation": outputs.uri("EdgeEvaluator", "evaluation"),
            "examples": outputs.uri("ExampleGen", "examples"),
        }
        if all(uris.values()) and _measured(str(uris["evaluation"])):
            return past.run_id, {name: str(uri) for name, uri in uris.items()}
    raise NoRunError(f"{paths.root} has no run with variants; make one with `make run PROFILE=full`.")


def _measured(evaluation: str) -> bool:
    """Whether the node had variants to measure; an unblessed server model leaves none."""
    path = Path(evaluation) / "pareto.json"
    return path.is_file() and "variants" in json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())

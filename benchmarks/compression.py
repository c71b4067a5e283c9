"""Prints what compression made of the blessed model: every variant of the latest run, on the test split.

    ./edgeline python -m benchmarks.compression [--profile full] [--root FOLDER] [--threads 1] [--json]

It measures anew, through the edge package and from raw text, the variants that TFLiteConverter left in the latest run
of the task: bytes and how many times smaller than the blessed model's float32 weights, accuracy and macro-F1 with
their loss, the worst slice, p50 of a single text and how many times faster than the blessed model converted as it is
in float32 (in alternation, the same threads), agreement with the student's own float32 variant, sparsity. The variant
that was shipped was chosen on the eval split; the test split is only reported.

Exit code 0, also where a bound is missed; 2 if there is no run to look at.
"""

from __future__ import annotations

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

from benchmarks.harness import command, machine  # noqa: E402
from benchmarks.harness.results import Goal, Result, Table  # noqa: E402
from benchmarks.harness.spread import rounded  # noqa: E402

COLUMNS = (
    ("bytes", "bytes", "{:,}"), ("times smaller", "size_ratio", "{:.2f}"), ("accuracy", "accuracy", "{:.4f}"),
    ("drop", "accuracy_drop", "{:.4f}"), ("worst slice", "worst_slice_drop", "{:.4f}"),
    ("macro-F1", "macro_f1", "{:.4f}"), ("drop", "macro_f1_drop", "{:.4f}"), ("p50 ms", "latency_p50_ms", "{:.2f}"),
    ("times faster", "latency_ratio", "{:.2f}"), ("agreement", "agreement", "{:.4f}"),
    ("sparsity", "sparsity", "{:.3f}"),
)  # fmt: skip
# The bounds of the project, whatever the gate of the profile asks for: field, words, lower or upper bound, value.
BOUNDS = (
    ("size_ratio", "times smaller than the blessed float32 weights", "at least", 12.0),
    ("accuracy_drop", "loss of accuracy on test", "at most", 0.01),
    ("worst_slice_drop", "loss of accuracy on the worst slice of test", "at most", 0.025),
    ("latency_ratio", "times faster than the blessed float32 model", "at least", 4.0),
    ("agreement", "agreement with its own float variant", "at least", 0.98),
)
EXPLANATION = """\
Every variant of the latest run's student, from raw text through the edge package, on the whole test split. `reference`
is the blessed model, converted as it is in float32. Times are those of single texts, tokenization included, every text
through every variant in turn; drops are shares, not points. What shipped has a star: it was chosen on the eval split,
where the gate of the profile is."""


def measure(config_path: Path, *, profile: str | None, root: Path | None, threads: int, texts: int) -> dict[str, Any]:
    """Measures the variants of the latest run on the test split.

    Args:
        config_path: the task's configuration.
        profile: the profile that the run had; for the columns and the gate.
        root: the folder of the task's runs, if it was moved.
        threads: of the interpreter.
        texts: texts that are timed.

    Returns:
        `variants` by name (`reference` is the blessed model in float32), `selected` and `run_id`.

    Raises:
        LookupError: no run of the task has variants.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from benchmarks.ours import export
    from pipeline.config import loader

    config = loader.load(config_path, profile=profile)
    run_id, uris = export.newest(config, root, ["texts", "variant", "evaluation"])

    from modules.device import measure as edge_evaluation
    from modules.quality import scoring
    from modules.rows.raw import read_raw_split
    from modules.tflite.variants import read_index

    columns = config.data.columns
    index = read_index(uris["variant"])
    split = read_raw_split(
        [f"{uris['texts']}/Split-test/*"],
        text=columns.text, target=config.target, slices=columns.slices,
    )  # fmt: skip
    with open(f"{uris['evaluation']}/pareto.json", encoding="utf-8") as file:
        selected = json.load(file).get("selected")
    cost = edge_evaluation.CostSettings(texts=texts, rounds=5, threads=[threads], memory=True)
    with tempfile.TemporaryDirectory() as folder:
        bundles = edge_evaluation.make_bundles(
            uris["variant"], folder, edge_evaluation.Provenance(config.task, f"benchmark of {run_id}"), config.inputs
        )
        results = edge_evaluation.measure(bundles, index, split, scoring.of(config.target), cost=cost)
    for name, values in results.items():
        values["selected"] = name == selected
    return {
        "run_id": run_id,
        "split": "test",
        "threads": threads,
        "texts": texts,
        "selected": selected,
        "reference_float32_bytes": index["reference"]["float32_bytes"],
        "sparsity": index["sparsity"],
        "variants": results,
    }


def result(found: Mapping[str, Any]) -> Result:
    """What was measured as a result of the benchmarks.

    Args:
        found: from `measure`.
    """
    rows, notes = [], []
    for name, values in found["variants"].items():
        if "error" in values:
            notes.append(f"{name} failed: {values['error']}")
            continue
        rows.append(
            [f"{name} *" if values["selected"] else name, *(form.format(values[key]) for _, key, form in COLUMNS)]
        )
    goals = []
    if found["selected"]:
        shipped = found["variants"][found["selected"]]
        for key, what, kind, bound in BOUNDS:
            met = shipped[key] >= bound if kind == "at least" else shipped[key] <= bound
            goals.append(Goal(what, f"{kind} {bound:g}", rounded(shipped[key]), met))
    else:
        notes.append(
            "No variant passed the gate, so nothing shipped: docs/compression.md says what was missed and why."
        )
    return Result(
        name="compression",
        title="Compression",
        command="./edgeline python -m benchmarks.compression",
        explanation=EXPLANATION,
        machine=machine.describe(command.OWN_PACKAGES),
        settings={"split": found["split"], "threads": found["threads"], "texts timed": found["texts"],
                  "bytes of the blessed float32 weights": f"{found['reference_float32_bytes']:,}"},
        tables=[Table(("variant", *(heading for heading, _, _ in COLUMNS)), rows)],
        goals=goals,
        notes=notes,
        details={key: found[key] for key in ("selected", "variants")},
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of the interpreter (default: %(default)s)")
    parser.add_argument("--texts", type=int, default=60, help="texts that are timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs; no result is kept")
    options = parser.parse_args(arguments)
    progress = logging.getLogger("edgeline.progress")
    progress.addHandler(logging.StreamHandler(sys.stderr))
    progress.setLevel(logging.INFO)
    progress.propagate = False  # TFX configures the root logger too
    try:
        found = measure(
            Path(options.config), profile=options.profile, root=options.root, threads=options.threads,
            texts=10 if options.quick else options.texts,
        )  # fmt: skip
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    return command.finish(result(found), options)


if __name__ == "__main__":
    sys.exit(main())

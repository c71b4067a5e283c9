"""Measures every variant as a device will run it, decides what ships, and makes the bundle.

Everything goes through the edge package, from raw text: its tokenizer, its runtime, one text at a time. What every
variant is compared with is the blessed model, converted as it is in float32 and run the same way. Choices are made on
the `eval` split; the variant that was chosen is then measured once on `test`.
"""

from __future__ import annotations

import dataclasses
import gzip
import importlib.metadata
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modules.device.cost import alternating_latency, peak_memory
from modules.device.gate import missed, select
from modules.device.records import device_steps, rows_of
from modules.device.settings import CostSettings, Gate, Objective
from modules.inputs import kinds as inputs_lib
from modules.machine.progress import tell
from modules.quality.scoring import Scoring
from modules.rows.raw import RawSplit
from modules.targets.base import Target
from modules.tflite import output as outputs
from modules.tflite import variants as variants_lib

import numpy as np

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What the bundle says of where it comes from.

    Attributes:
        task: name of the task.
        run_id: the training run.
        licence: SPDX expression.
        digests: by name (`data`, `config`, `code`), where known; shortened ones go among the manifest's notes only.
    """

    task: str
    run_id: str
    licence: str = "Apache-2.0"
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict)


def make_bundles(
    folder: str, place: str, provenance: Provenance, inputs: inputs_lib.Inputs, target: Target | None = None
) -> dict[str, str]:
    """Bundles every variant, and the reference, so that the edge package can run them.

    Args:
        folder: what `modules.tflite.variants.convert_all` wrote.
        place: a local folder for the bundles.
        provenance: goes into the manifests.
        inputs: of the task.
        target: of the task; one label without.

    Returns:
        Path of the bundle by variant; `reference` is the blessed model.
    """
    from edgeline_edge import write_bundle

    index = variants_lib.read_index(folder)
    of_target = outputs.of(target.kind).section(target) if target else None
    if of_target:
        of_target |= index.get("learnt", {})
    made = {name: record for name, record in index["variants"].items() if "error" not in record}
    bundles: dict[str, str] = {}
    for name in [variants_lib.REFERENCE, *made]:
        words = f"{folder}/{name}" if name == variants_lib.REFERENCE else folder
        path = os.path.join(place, f"{name}.tflite")
        record = index["reference"] if name == variants_lib.REFERENCE else made[name]
        parity = record["parity"]
        steps = device_steps(words, inputs, whole=of_target is not None)
        of_text = steps.pop("of_text", {})
        write_bundle(
            variants_lib.read_model(folder, name),
            path,
            **steps,
            labels=index["labels"],
            target=of_target,
            manifest={
                **of_text,
                "task": provenance.task,
                "recipe": variants_lib.FLOAT if name == variants_lib.REFERENCE else name,
                "run_id": provenance.run_id,
                "licence": provenance.licence,
                "digests": {key: value for key, value in provenance.digests.items() if _SHA256.fullmatch(value)},
                "notes": {
                    "digests": dict(provenance.digests),
                    "parity": parity,
                    "recipe": record["recipe"],
                    # What the file demands in any runtime, and the one that every number here was measured in.
                    "runtime": {
                        "oldest_tensorflow_lite": record["oldest_runtime"],
                        "measured_with": f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}",
                    },
                },
                "tolerance": parity["max_abs"] if of_target else min(1.0, parity["max_abs"]),
            },
        )
        bundles[name] = path
    return bundles


def measure(
    bundles: Mapping[str, str],
    index: Mapping[str, Any],
    split: RawSplit,
    judge: Scoring,
    *,
    cost: CostSettings | None,
    seed: int = 0,
    choose: bool = False,
) -> dict[str, dict[str, Any]]:
    """Runs bundles over a split from raw text.

    Args:
        bundles: paths by variant, `reference` and `float32` among them.
        index: what `convert_all` returned; failed recipes are carried over.
        split: raw texts with labels and slices.
        judge: of the target.
        cost: how to measure time and memory; None leaves them out.
        seed: of the choice of texts for them, and of the interval's samples.
        choose: whether this is the split on which each bundle's own decision is chosen, where the target has one: it is
            written into the bundles before anything is measured. Else they decide as they say.

    Returns:
        By variant, `reference` included: `bytes`, `gzip_bytes`, `size_ratio`, the target's scores and `<score>_drop` of
        each (see `modules.tflite.output.Output.drop`), `worst_slice_drop`, `slices`, `agreement`,
        `agreement_with_reference`, `against_reference` (the paired difference of the main score with its interval,
        above 0 where the variant is better), what else the target measures, `sparsity`, and with `cost` `latency` by
        threads, `latency_p50_ms`, `latency_ratio`, `peak_bytes`; and `decision`, as the bundle's manifest has it.
        Ratios say how many times smaller or faster than the reference: more is better.

    Raises:
        ValueError: the rows leave no decision to choose.
    """
    from edgeline_edge import Classifier, read_manifest
    from edgeline_edge.targets import kinds as targets

    output = outputs.of(judge.target.kind)
    loaded = {name: Classifier.load(path, num_threads=2) for name, path in bundles.items()}
    some = next(iter(loaded.values()))  # they differ in what is behind the inputs
    texts = rows_of(split, some.text_field, records=some.takes_records)
    predictions, more = {}, {}
    for number, (name, classifier) in enumerate(loaded.items(), start=1):
        tell(f"evaluating {name} on {len(texts)} texts ({number}/{len(loaded)})", step=number, steps=len(loaded))
        given = classifier.outputs(texts)
        if choose and (judge.target.is_open or judge.target.device_decision):
            _decide(bundles[name], given, split.labels, judge)
        deciding = targets.of(read_manifest(bundles[name]))
        answers = [deciding.answer(row) for row in given]
        predictions[name] = output.predicted(answers, index["labels"])
        more[name] = output.measured(answers, split.labels, judge.target)
    scores = {name: judge.scored(split.labels, ids, split.slices) for name, ids in predictions.items()}
    reference = scores[variants_lib.REFERENCE]
    results: dict[str, dict[str, Any]] = {}
    for name, path in bundles.items():
        pair = predictions[name], predictions[variants_lib.REFERENCE]
        results[name] = _record(name, path, scores[name], reference, index, judge, output) | more[name]
        results[name]["decision"] = read_manifest(path).decision
        results[name]["agreement"] = output.agreement(predictions[name], predictions[variants_lib.FLOAT])
        results[name]["agreement_with_reference"] = output.agreement(*pair)
        # Of an error, the reference minus the variant: more is better, whatever is measured.
        lower = judge.target.less_is_better(output.score)
        found = judge.differences(split.labels, *(pair[::-1] if lower else pair), seed=seed)[output.score]
        results[name]["against_reference"] = found.to_dict()
    if cost:
        rows = np.random.default_rng(seed).choice(len(texts), size=min(cost.texts, len(texts)), replace=False)
        _add_cost(results, bundles, [texts[row] for row in rows], cost)
    for name, record in index["variants"].items():
        if "error" in record:
            results[name] = {"error": record["error"]}
    return results


def decide(
    results: Mapping[str, dict[str, Any]], gate: Gate, objective: Objective
) -> tuple[str | None, dict[str, list[str]]]:
    """Applies the gate and the objective.

    Args:
        results: what `measure` returned; `reference` is not a candidate.
        gate: the bounds.
        objective: what decides among those that pass.

    Returns:
        The variant to ship or None, and for each candidate the bounds that it missed.
    """
    candidates = {name: values for name, values in results.items() if name != variants_lib.REFERENCE}
    reasons = {name: missed(values, gate) for name, values in candidates.items()}
    passing = {name: values for name, values in candidates.items() if not reasons[name]}
    return select(passing, objective), reasons


def _decide(bundle: str, given: np.ndarray, labels: np.ndarray, judge: Scoring) -> None:
    """Writes the decision that is best on the rows of eval into a bundle."""
    from edgeline_edge import update_manifest

    decision = judge.target.settled(labels, given).device_decision
    if decision is not None:
        update_manifest(bundle, bundle, decision=decision)


def _record(
    name: str,
    path: str,
    own: Mapping[str, Any],
    reference: Mapping[str, Any],
    index: Mapping[str, Any],
    judge: Scoring,
    output: outputs.Output,
) -> dict[str, Any]:
    def dropped(metric: str, own: Mapping[str, Any], reference: Mapping[str, Any]) -> float:
        lower = judge.target.less_is_better(metric)
        return output.drop(metric, own[metric], reference[metric], lower_is_better=lower)

    drop = f"{output.score}_drop"
    with open(path, "rb") as file:
        content = file.read()
    slices = {
        key: {**values, drop: dropped(output.score, values, reference["slices"][key])}
        for key, values in own["slices"].items()
    }
    sparsity = list(index["sparsity"].values()) if name != variants_lib.REFERENCE else []
    return {
        "bytes": len(content),
        "gzip_bytes": len(gzip.compress(content, 6, mtime=0)),
        "size_ratio": index["reference"]["float32_bytes"] / len(content),
        "rows": own["rows"],
        **{metric: own[metric] for metric in judge.titles},
        **{f"{metric}_drop": dropped(metric, own, reference) for metric in judge.titles},
        "worst_slice_drop": max((values[drop] for values in slices.values()), default=0.0),
        "slices": slices,
        "sparsity": float(np.mean(sparsity)) if sparsity else 0.0,
    }


def _add_cost(
    results: dict[str, dict[str, Any]], bundles: Mapping[str, str], texts: Sequence[str], cost: CostSettings
) -> None:
    from edgeline_edge import Classifier

    for threads in cost.threads:
        tell(f"timing {len(bundles)} variants, {threads} thread{'s' if threads > 1 else ''}")
        classifiers = {name: Classifier.load(path, num_threads=threads) for name, path in bundles.items()}
        for name, times in alternating_latency(classifiers, texts, rounds=cost.rounds).items():
            results[name].setdefault("latency", {})[str(threads)] = times
    first = str(cost.threads[0])
    for name, values in results.items():
        values["latency_p50_ms"] = values["latency"][first]["p50_ms"]
        values["latency_p95_ms"] = values["latency"][first]["p95_ms"]
        values["latency_ratio"] = results[variants_lib.REFERENCE]["latency"][first]["p50_ms"] / values["latency_p50_ms"]
        if cost.memory:
            memory = peak_memory(bundles[name], texts)
            values["peak_bytes"], values["memory"] = memory.get("peak_bytes"), memory

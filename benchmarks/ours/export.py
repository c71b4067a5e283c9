"""Writes what the latest run of a task left as plain files, so that a peer needs neither TensorFlow nor TFX to read it.

python -m benchmarks.ours.export --out FOLDER [--config FILE] [--profile NAME] [--root FOLDER] PART ...

`run.json` is always written: run id, labels, sequence length, the sections `trainer` and `backbone`.
The parts:

- `texts`: `<split>.json` with `texts`, `labels` (ids) and `slices` of each split, from ExampleGen;
- `tokens`: `tokens.npz` with `token_ids`, `padding_mask` and `labels` of the train split, from Transform;
  `run.json` then has `vocabulary_size`, too;
- `blessed`, `student`: `<part>.npz`, every weight by its name in `modules.network.weights`; `<part>.json`, the
  architecture; `<part>.vocabulary.txt`; `<part>.probe.npz`, some rows with the Keras model's probabilities;
- `answers`: `answers.json`, the label ids that the blessed model gives to the test split of `texts`;
- `baseline`: `baseline.json`, what LinearBaseline measured;
- `bundle`: `bundle.tflite`, the bundle that was selected to ship;
- `variant`: `bundle.tflite`, made of the converter's variant that `--variant` names, whether it passed the gate or not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.artifact_files import BASELINE_FILE, PARETO_FILE, TRAINING_DIR

import numpy as np

from pipeline import facts, nodes

if TYPE_CHECKING:
    from modules.network.trained import Trained
    from modules.text.settings import PreprocessingSettings

SPLITS = ("train", "eval", "test")
_REPORTED = nodes.reported()
# Node and key of the output, and what it holds unless the node had nothing to do.
NEEDS = {
    "texts": (*_REPORTED["examples"], "Split-test"),
    "tokens": (*_REPORTED["transformed_examples"], "Split-train"),
    "blessed": (*_REPORTED["model"], TRAINING_DIR),
    "student": (*facts.giving("pruned_model"), TRAINING_DIR),
    "answers": (*_REPORTED["model"], TRAINING_DIR),
    "baseline": (*_REPORTED["baseline"], BASELINE_FILE),
    "bundle": (*facts.giving("bundle"), "Format-Serving"),
    "variant": (*_REPORTED["variants"], "float32"),
    "evaluation": (*_REPORTED["edge_evaluation"], PARETO_FILE),
}
PROBE_ROWS = 64


def export(config: Any, root: Path | None, parts: Sequence[str], out: Path, *, variant: str = "") -> None:
    """Writes the parts of the newest run that has them all.

    Args:
        config: the task's configuration.
        root: folder of the task's runs, if it was moved.
        parts: names of `NEEDS`.
        out: an existing folder.
        variant: for the part `variant`.

    Raises:
        LookupError: no run has them.
    """
    from modules.network.trained import load_trained

    run_id, uris = newest(config, root, parts)
    labels, length = list(config.labels), config.preprocessing.sequence_length
    record: dict[str, Any] = {
        "run_id": run_id,
        "labels": labels,
        "sequence_length": length,
        "trainer": config.model_dump(mode="json")["trainer"],
        "backbone": config.model_dump(mode="json")["backbone"],
    }
    if "texts" in parts:
        _texts(config, uris["texts"], out)
    if "tokens" in parts:
        from modules.network.backbones import base as backbones
        from modules.rows.batches import load_split
        from modules.text import tokenization

        train = load_split([f"{uris['tokens']}/Split-train/*"], config.inputs, config.target)
        np.savez(out / "tokens.npz", **train.features, labels=train.labels)  # type: ignore[arg-type]
        vocabulary = tokenization.load_vocabulary(backbones.read(record["backbone"]).vocabulary_path())
        record["vocabulary_size"] = len(vocabulary)
    for part in ("blessed", "student"):
        if part in parts:
            write_network(load_trained(f"{uris[part]}/training"), part, out)
    if "answers" in parts:
        _answers(load_trained(f"{uris['answers']}/training"), config.preprocessing, out)
    if "baseline" in parts:
        shutil.copyfile(f"{uris['baseline']}/baseline.json", out / "baseline.json")
    if "bundle" in parts:
        shutil.copyfile(f"{uris['bundle']}/Format-Serving/model.tflite", out / "bundle.tflite")
    if "variant" in parts:
        from modules.device.measure import Provenance, make_bundles

        with tempfile.TemporaryDirectory() as folder:
            bundles = make_bundles(uris["variant"], folder, Provenance(config.task, run_id), config.inputs)
            if variant not in bundles:
                raise LookupError(f"there is no variant {variant!r}; there are: {', '.join(sorted(bundles))}")
            shutil.copyfile(bundles[variant], out / "bundle.tflite")
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")


def write_network(trained: Trained, part: str, out: Path) -> None:
    """Writes a network's weights, shapes and vocabulary, and rows with the probabilities that it gives them."""
    from modules.network.weights import read_weights

    weights = read_weights(trained.model)
    arrays = {name: value for name, value in vars(weights).items() if isinstance(value, np.ndarray)}
    for index, layer in enumerate(weights.layers):
        arrays |= {f"layers.{index}.{name}": value for name, value in vars(layer).items()}
    np.savez(out / f"{part}.npz", **arrays)  # type: ignore[arg-type]
    (out / f"{part}.json").write_text(json.dumps(dataclasses.asdict(trained.architecture)), encoding="utf-8")
    (out / f"{part}.vocabulary.txt").write_text("".join(f"{token}\n" for token in trained.vocabulary), encoding="utf-8")
    rng, length = np.random.default_rng(0), trained.architecture.max_sequence_length
    mask = (np.arange(length) < rng.integers(3, length + 1, PROBE_ROWS)[:, np.newaxis]).astype(np.int32)
    token_ids = rng.integers(0, len(trained.vocabulary), mask.shape).astype(np.int32) * mask
    probabilities = trained.model.predict({"token_ids": token_ids, "padding_mask": mask}, verbose=0)
    np.savez(out / f"{part}.probe.npz", token_ids=token_ids, padding_mask=mask, probabilities=probabilities)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit code 1 and one sentence where there is no such run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=tuple(NEEDS))
    parser.add_argument("--config", default="configs/sentiment.yaml")
    parser.add_argument("--profile")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variant", default="")
    options = parser.parse_args(arguments)
    from pipeline.config import loader

    config = loader.load(options.config, profile=options.profile)
    try:
        export(config, options.root, options.parts, options.out, variant=options.variant)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    return 0


def newest(config: Any, root: Path | None, parts: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The newest run that has them all.

    Args:
        config: the task's configuration.
        root: folder of the task's runs, if it was moved.
        parts: names of `NEEDS`.

    Returns:
        Its id, and the URI of the artifact that each part comes from.

    Raises:
        LookupError: there is none; the text says how to make one.
    """
    from pipeline.history.history import past_runs
    from pipeline.history.paths import TaskPaths
    from pipeline.history.store import RunOutputs, connection

    paths = TaskPaths.of(config, root)
    for past in reversed(past_runs(paths)):
        outputs = RunOutputs(connection(paths), past.run_id)
        uris = {part: outputs.uri(*NEEDS[part][:2]) for part in parts}
        if all(uri and (Path(uri) / NEEDS[part][2]).exists() for part, uri in uris.items()):
            return past.run_id, {part: str(uri) for part, uri in uris.items()}
    wanted = ", ".join(NEEDS[part][0] for part in parts)
    raise LookupError(f"no run of {config.task} has the outputs of {wanted}: `make run PROFILE=full` makes one.")


def _texts(config: Any, uri: str, out: Path) -> None:
    from modules.rows.raw import read_raw_split

    columns = config.data.columns
    for name in SPLITS:
        split = read_raw_split(
            [f"{uri}/Split-{name}/*"],
            text=columns.text, target=config.target, slices=columns.slices,
        )  # fmt: skip
        content = {"texts": split.texts, "labels": split.labels.tolist(), "slices": split.slices}
        (out / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _answers(trained: Trained, reads: PreprocessingSettings, out: Path) -> None:
    """Labels of the test texts; a task whose texts are read in windows is refused."""
    from modules.inputs.text.words import token_windows
    from modules.network.logits import split_logits
    from modules.text.tokenization import wordpiece

    texts = json.loads((out / "test.json").read_text(encoding="utf-8"))["texts"]
    ids, mask = wordpiece(texts, trained.vocabulary, trained.architecture.max_sequence_length, reads.long_text)
    examples = token_windows(ids.numpy(), mask.numpy(), np.zeros(len(texts), np.int32))
    labels = split_logits(trained.model, examples).argmax(axis=1)
    (out / "answers.json").write_text(json.dumps(labels.tolist()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

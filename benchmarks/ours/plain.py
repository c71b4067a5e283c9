"""The work of a run without TFX, Beam or a metadata store: what one would write as a script.

    python -m benchmarks.ours.plain --config FILE --profile NAME --folder FOLDER --out FILE [--set FIELD=VALUE ...]

Reads the rows, splits them by a hash of the text, tokenizes, searches, trains, scores by slice, exports, compresses,
converts, evaluates every variant through the edge package and writes the bundle, with the same functions of `modules`
and the same settings. It checks no schema, computes no statistics, keeps no history, and cannot be gone on with: what
it takes less is the price of all that. Writes JSON: seconds by step and `training` inside them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness.progress import say

if TYPE_CHECKING:
    from modules.entry_settings import TunerNodeSettings
    from modules.training.settings import TrainerSettings

_BUCKETS = 10_000


class Steps:
    """Seconds by step, and inside training."""

    def __init__(self) -> None:
        """Begins with none."""
        self.seconds: dict[str, float] = {}
        self.training: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step."""
        say(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began

    @contextmanager
    def trained(self, name: str) -> Iterator[None]:
        """Times training inside a step."""
        began = time.perf_counter()
        yield
        self.training[name] = self.training.get(name, 0.0) + time.perf_counter() - began


def run(config_path: str, profile: str | None, folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Does all of it.

    Args:
        config_path: the task.
        profile: of it.
        folder: where models go.
        overrides: as on the runner's command line.

    Returns:
        `seconds` by step, `training` inside them, `accuracy` of the server model on test.
    """
    steps = Steps()
    with steps.step("imports"):
        import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
        from modules.device import measure
        from modules.entry_settings import TunerNodeSettings
        from modules.inputs import kinds
        from modules.machine import devices, memory
        from modules.network.logits import split_logits
        from modules.network.trained import Trained
        from modules.quality import scoring
        from modules.serving.student import save_student
        from modules.student.compress import compress
        from modules.tflite.recipes import resolve
        from modules.tflite.variants import convert_all

        from pipeline.config import loader
        from pipeline.graph.settings import features
        from pipeline.local import data_files
    config = loader.load(config_path, profile=profile, overrides=overrides)
    values = TunerNodeSettings(trainer=config.trainer, tuner=config.tuner, **features(config, "Tuner"))
    text, judge = kinds.encoded(config.inputs), scoring.of(config.target)
    vocabulary = text.vocabulary()
    with steps.step("rows"):
        raw = split_rows(data_files.data_path(config), config)
    with steps.step("tokens"):
        examples = {name: _tokens(split, vocabulary, text) for name, split in raw.items()}
    with steps.step("linear baseline"):
        config.target.part("linear")(raw, config.target, config.trainer.seed)
    policy = devices.resolve_precision(config.trainer.precision)
    memory.keep_freed_memory()
    with steps.step("search"):
        settings = _search(values, examples, policy, steps) if config.tuner.enabled else config.trainer
    with steps.step("train"):
        model, architecture = _train(values, settings, examples, policy, steps)
        teacher = _float32(model, architecture, vocabulary, list(config.labels))
    with steps.step("evaluate"):
        for name in ("eval", "test"):
            found = split_logits(teacher.model, examples[name]).argmax(axis=1)
            scores = judge.scored(raw[name].labels, found, raw[name].slices)
    with steps.step("export"):
        save_student(teacher, str(folder / "server"), inputs=config.inputs, target=config.target)
    with steps.step("prune"):
        with steps.trained("prune"):
            made = compress(
                teacher, examples["train"], examples["eval"], config.pruner, backup_dir=str(folder / "backup"),
                policy=devices.resolve_precision(config.pruner.precision),
                strategy=devices.distribution_strategy(),
            )  # fmt: skip
        student: Trained = made.trained
    with steps.step("convert"):
        converter = config.converter
        recipes = resolve(converter.recipes, converter.custom_recipes)
        index = convert_all(
            student, teacher, examples["train"], examples["eval"], recipes, folder=str(folder / "variants"),
            layout=kinds.layout(config.inputs), windows=converter.windows,
            calibration_rows=converter.calibration_rows,
            parity_rows=converter.parity_rows, seed=converter.seed,
        )  # fmt: skip
    with steps.step("evaluate variants"):
        (folder / "bundles").mkdir()
        bundles = measure.make_bundles(
            str(folder / "variants"), str(folder / "bundles"), measure.Provenance(config.task, "plain"), config.inputs
        )
        section = config.edge_evaluator
        results = measure.measure(bundles, index, raw["eval"], judge, cost=section.latency, seed=section.seed)
        selected, _ = measure.decide(results, section.gate, section.objective)
        if selected:
            chosen = {name: bundles[name] for name in {"reference", "float32", selected}}
            measure.measure(chosen, {**index, "variants": {}}, raw["test"], judge, cost=None)
    return {"seconds": steps.seconds, "training": steps.training, "accuracy": scores["accuracy"], "selected": selected}


def split_rows(path: Path, config: Any) -> dict[str, Any]:
    """Rows of a CSV file by split, decided by a hash of the text; the train split is sampled as the profile asks."""
    from modules.rows.raw import RawSplit

    import numpy as np

    columns, shares = config.data.columns, config.data.splits.model_dump(include={"train", "eval", "test"})
    ids = {label: index for index, label in enumerate(config.labels)}
    found: dict[str, list[dict[str, str]]] = {name: [] for name in shares}
    chance = random.Random(0)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter=","):
            name = split_of(row[columns.text], shares)
            if name != "train" or chance.random() < config.data.train_fraction:
                found[name].append(row)
    return {
        name: RawSplit(
            [row[columns.text] for row in rows],
            np.array([ids[row[columns.label]] for row in rows], np.int64),
            {column: [row[column] for row in rows] for column in columns.slices},
        )
        for name, rows in found.items()
    }


def split_of(text: str, shares: Mapping[str, int]) -> str:
    """The split of a text, by its hash.

    Args:
        text: of the row.
        shares: by split, in their order.
    """
    bucket = int.from_bytes(hashlib.sha256(text.casefold().encode()).digest()[:8], "big")
    place, bound = bucket % _BUCKETS / _BUCKETS * sum(shares.values()), 0
    for name, share in shares.items():
        bound += share
        if place < bound:
            return name
    raise ValueError(f"shares {dict(shares)} hold nothing")


def _tokens(split: Any, vocabulary: Sequence[str], text: Any) -> Any:
    """One row a text; a task whose texts are read in windows is refused."""
    from modules.inputs.text.words import token_windows
    from modules.text.tokenization import wordpiece

    import numpy as np

    parts = [
        wordpiece(split.texts[start : start + 4096], vocabulary, text.sequence_length, text.long_text)
        for start in range(0, len(split.texts), 4096)
    ]
    ids, mask = (np.concatenate([part[index].numpy() for part in parts]) for index in (0, 1))
    return token_windows(ids, mask, split.labels.astype(np.int32))


def _compiled(values: TunerNodeSettings, settings: TrainerSettings, policy: str, total: int) -> Any:
    from modules.machine import devices
    from modules.starting_model import starting_model
    from modules.training import compiled

    import tf_keras

    tf_keras.utils.set_random_seed(settings.seed)
    with devices.distribution_strategy().scope():
        model, architecture = starting_model(values.inputs, values.target, settings, policy=policy)
        compiled.compile_model(model, settings, total_steps=total, target=values.target)
    return model, architecture


def _streams(settings: TrainerSettings, examples: Mapping[str, Any]) -> Any:
    from modules.rows import batches

    stream = batches.TrainingStream(examples["train"], batch_size=settings.batch_size, seed=settings.seed)
    return stream, lambda limit=None: batches.evaluation_batches(examples["eval"], batch_size=128, limit=limit)


def _search(values: TunerNodeSettings, examples: Mapping[str, Any], policy: str, steps: Steps) -> TrainerSettings:
    """As many trials as the Tuner makes, of random values: what they are costs nothing here."""
    from modules.training import hyperparameters

    tuner, chance = values.tuner, random.Random(values.trainer.seed)
    stream, evaluation = _streams(values.trainer, examples)
    count = min(tuner.steps_per_epoch or stream.steps_per_epoch, stream.steps_per_epoch)
    best = (-1.0, values.trainer)
    for _ in range(tuner.trials):
        drawn = {
            entry.name: chance.choice(entry.values or []) if entry.kind == "choice" else chance.uniform(*entry.bounds)
            for entry in tuner.space
        }
        settings = hyperparameters.resolve(values.trainer, {"values": drawn})
        model, _ = _compiled(values, settings, policy, count * tuner.epochs)
        with steps.trained("search"):
            history = model.fit(
                stream.batches(tuner.epochs), steps_per_epoch=count, epochs=tuner.epochs,
                validation_data=evaluation(tuner.eval_steps), verbose=0,
            )  # fmt: skip
        reached = float(max(history.history["val_macro_f1"]))
        if reached > best[0]:
            best = (reached, settings)
    return best[1]


def _train(
    values: TunerNodeSettings, settings: TrainerSettings, examples: Mapping[str, Any], policy: str, steps: Steps
) -> Any:
    import tf_keras

    stream, evaluation = _streams(settings, examples)
    settings = settings.planned(stream.steps_per_epoch)
    epochs = settings.passes
    model, architecture = _compiled(values, settings, policy, stream.steps_per_epoch * epochs)
    stop = tf_keras.callbacks.EarlyStopping(
        "val_macro_f1", mode="max", patience=max(1, settings.early_stopping_patience), restore_best_weights=True
    )
    with steps.trained("train"):
        model.fit(
            stream.batches(epochs), steps_per_epoch=stream.steps_per_epoch, epochs=epochs,
            validation_data=evaluation(), callbacks=[stop], verbose=0,
        )  # fmt: skip
    return model, architecture


def _float32(model: Any, architecture: Any, vocabulary: list[str], labels: list[str]) -> Any:
    from modules.network.model import build_model
    from modules.network.trained import Trained

    plain = build_model(architecture, dropout=0.0)
    plain.set_weights(model.get_weights())
    return Trained(plain, architecture, vocabulary, labels)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--profile")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    options = parser.parse_args(arguments)
    result = run(options.config, options.profile, options.folder, options.overrides)
    options.out.write_text(json.dumps(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

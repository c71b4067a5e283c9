"""A task that a whole pipeline run gets through in seconds: generated rows, a random one-layer backbone, no network."""

from __future__ import annotations

import csv
import dataclasses
import random
import string
from pathlib import Path
from typing import Any

import yaml

from pipeline.config import loader
from pipeline.local import session

_SUBJECTS = ("the film", "this phone", "our guide", "the service", "my order", "that song", "the plot", "a meal")
_WORDS = {
    "negative": ("awful", "boring", "broken", "bad", "terrible", "poor", "slow", "ugly"),
    "positive": ("great", "lovely", "good", "excellent", "wonderful", "fine", "fast", "nice"),
}
_FLIPPED = 0.1  # of the labels, so that no model is perfect


@dataclasses.dataclass(frozen=True)
class TinyTask:
    """Files of a task.

    Attributes:
        folder: holds them all.
        config: the configuration.
        rows: the CSV file.
        root: where runs go.
    """

    folder: Path
    config: Path
    rows: Path
    root: Path


def make(folder: Path, *, rows: int = 400, seed: int = 5) -> TinyTask:
    """Writes rows, vocabulary, schema and configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    task = TinyTask(folder, folder / "tiny.yaml", folder / "rows.csv", folder / "runs")
    write_rows(task.rows, rows, seed)
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n")
    schema = folder / "schema.pbtxt"
    schema.write_text(
        "".join(
            f'feature {{ name: "{name}" type: BYTES {domain} presence {{ min_fraction: 1.0 min_count: 1 }} '
            "shape { dim { size: 1 } } }\n"
            for name, domain in (("text", ""), ("label", 'domain: "label"'), ("source", ""), ("text_hash", ""))
        )
        + 'string_domain { name: "label" value: "negative" value: "positive" }\n'
    )
    task.config.write_text(yaml.safe_dump(settings(task, schema), sort_keys=False))
    return task


def with_table(folder: Path, *, rows: int = 300, seed: int = 5) -> TinyTask:
    """The same task with a table beside the text: of the half that no word tells, a price does, but for a few.

    A tenth of the prices is missing. `source` is an input as well as a slice.
    """
    task = make(folder, rows=rows, seed=seed)
    chance = random.Random(seed)
    with task.rows.open(newline="") as file:
        written = list(csv.DictReader(file))
    with task.rows.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "source", "price"])
        for number, row in enumerate(written):
            text = row["text"] if number % 2 else f"{chance.choice(_SUBJECTS)} was {number}"
            price = chance.uniform(1, 5) + (10 if row["label"] == "positive" else 0)
            writer.writerow([text, row["label"], row["source"], "" if chance.random() < 0.1 else f"{price:.2f}"])
    values = yaml.safe_load(task.config.read_text())
    values["inputs"] = {
        "body": {
            "kind": "text",
            "column": values["data"]["columns"].pop("text"),
            **values.pop("preprocessing"),
            "backbone": values.pop("backbone"),
        },
        "price": {"kind": "number", "column": "price"},
        "shop": {"kind": "category", "column": "source"},
    }
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    with Path(values["schema_path"]).open("a") as schema:
        one = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
        schema.write(f'feature {{ name: "price" type: FLOAT {one} }}\n')
    return task


def vocabulary() -> list[str]:
    """Special tokens, single characters, and the words that the rows are made of."""
    characters = [*string.ascii_lowercase, *string.digits]
    words = {word for phrase in (*_SUBJECTS, *sum(_WORDS.values(), ()), "was and") for word in phrase.split()}
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{item}" for item in characters)]
    return [*pieces, *sorted(words - set(pieces))]


def write_rows(path: Path, count: int, seed: int) -> None:
    """Writes a CSV file whose labels a bag of words can tell, but for a few."""
    chance = random.Random(seed)
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label", "source"])
        for number in range(count):
            label = chance.choice(sorted(_WORDS))
            words = " and ".join(chance.sample(_WORDS[label], chance.randint(1, 4)))
            shown = label if chance.random() >= _FLIPPED else next(name for name in _WORDS if name != label)
            writer.writerow([f"{chance.choice(_SUBJECTS)} was {words} {number}", shown, chance.choice(("shop", "web"))])


def settings(task: TinyTask, schema: Path) -> dict:
    """The configuration as a mapping."""
    return {
        "task": "tiny",
        "labels": ["negative", "positive"],
        "schema_path": str(schema),
        "data": {
            "path": str(task.rows),
            "columns": {"text": "text", "label": "label", "slices": ["source"]},
            "splits": {"train": 6, "eval": 2, "test": 2},
        },
        "preprocessing": {"sequence_length": 24},
        "backbone": {
            "kind": "scratch",
            "num_layers": 1,
            "num_heads": 2,
            "hidden_dim": 32,
            "intermediate_dim": 64,
            "vocabulary": str(task.folder / "vocab.txt"),
        },
        "trainer": {
            "epochs": 4,
            "batch_size": 16,
            "learning_rate": 0.01,
            "precision": "float32",
            "checkpoint_steps": 5,
            "early_stopping_patience": 4,
        },
        "tuner": {
            "enabled": True,
            "trials": 2,
            "steps_per_epoch": 3,
            "space": [{"name": "dropout", "kind": "float", "min": 0.0, "max": 0.1}],
        },
        "evaluator": {
            "thresholds": {
                "accuracy": {"min": 0.6, "max_drop": 0.2, "slice_min": 0.5},
                "macro_f1": {"min": 0.5},
            },
            "fairness": {"min_rows": 10, "resamples": 200},
            # So small a network, so shortly trained, may well lose to a linear model; tests of the gate ask for more.
            "beats_baseline": {"margin": -10.0, "resamples": 200},
        },
        "pruner": {
            "student": {"layers": None, "intermediate": 0.5, "importance_rows": 32},
            "pruning": {"pattern": "unstructured", "sparsity": 0.5, "frequency": 2},
            "epochs": 2,
            "learning_rate": 0.005,
            "precision": "float32",
        },
        "converter": {"recipes": ["float32", "dynamic_wi8_afp32"], "calibration_rows": 8, "parity_rows": 16},
        "edge_evaluator": {
            "gate": {
                "max_accuracy_drop": 0.2,
                "max_slice_drop": None,
                "min_size_ratio": None,
                "min_latency_ratio": None,
                "min_agreement": None,
            },
            "latency": {"texts": 4, "rounds": 1, "threads": [1], "memory": False},
        },
        "profiles": {"quick": {}},
    }


def run_task(task: TinyTask, *overrides: str, **options: Any) -> session.Outcome:
    """Runs the pipeline in this process."""
    config = loader.load(task.config, profile="quick", overrides=overrides)
    return session.run(config, session.RunOptions(root=task.root, profile="quick", **options))

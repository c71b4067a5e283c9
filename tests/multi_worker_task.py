"""One worker of a training by Trainer's own `fit`, for test_multi_worker: prints the history as one line of JSON."""

import json
import os
import sys

import modules  # noqa: F401
from modules import data, devices, trainer, training

import numpy as np
import tensorflow as tf
import tf_keras

LENGTH, CLASSES, GLOBAL_BATCH, VOCABULARY = 16, 2, 16, 40
SETTINGS = {
    "epochs": 2, "batch_size": GLOBAL_BATCH, "learning_rate": 0.01, "warmup_fraction": 0.1, "weight_decay": 0.01,
    "gradient_clip_norm": 1.0, "dropout": 0.0, "class_weights": "none", "early_stopping_patience": 2,
    "checkpoint_steps": 3, "tensorboard": False, "seed": 3,
}  # fmt: skip
CONFIG = {
    "labels": ["a", "b"],
    "preprocessing": {"sequence_length": LENGTH},
    "backbone": {"kind": "scratch", "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 16},
}


def rows(count: int, seed: int) -> tf.data.Dataset:
    """Unbatched examples, as `modules.data.read_split` gives them; all of one length, so that batches are full."""
    chance = np.random.default_rng(seed)
    ids = chance.integers(5, VOCABULARY, (count, LENGTH), dtype=np.int32)
    labels = (ids[:, 1] > VOCABULARY // 2).astype(np.int32)
    features = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    return tf.data.Dataset.from_tensor_slices((features, labels))


def main(folder: str) -> None:
    """Trains and prints."""
    tf_keras.utils.set_random_seed(SETTINGS["seed"])
    strategy = devices.distribution_strategy()
    stream = data.TrainingStream(rows(64, 1), batch_size=GLOBAL_BATCH, seed=3, num_classes=CLASSES)
    evaluation = data.evaluation_batches(rows(32, 2), batch_size=GLOBAL_BATCH)
    with strategy.scope():
        model, _ = trainer.starting_model(CONFIG, SETTINGS, VOCABULARY, policy="float32")
        training.compile_model(
            model, SETTINGS, total_steps=stream.steps_per_epoch * SETTINGS["epochs"], num_classes=CLASSES
        )
    history = trainer.fit(model, stream, evaluation, SETTINGS, backup_dir=folder, log_dir=folder)
    weights = float(sum(np.abs(value).sum() for value in model.get_weights()))
    result = {
        "replicas": strategy.num_replicas_in_sync, "chief": devices.is_chief(), "history": history, "weights": weights,
        "output": devices.output_folder(os.path.join(folder, "out")),
    }  # fmt: skip
    print("RESULT " + json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

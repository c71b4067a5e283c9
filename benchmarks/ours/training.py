"""Our Trainer's step, turn by turn: the strategy, precision, optimizer, bucketing and `fit` loop of a real run."""

from __future__ import annotations

import argparse
import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness.worker import serve


def prepare(folder: Path, precision: str, steps: int, threads: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Builds the model and starts the training, which stops before each turn.

    Args:
        folder: what `benchmarks.ours.export` wrote, with the part `tokens`.
        precision: as in the configuration.
        steps: batches of a turn.
        threads: of TensorFlow; 0 for its own choice, all cores.

    Returns:
        Answers `{}` with `seconds`, `cpu_seconds`, `loss` and `policy` of the next turn; and `{"batches": path,
        "turns": n}` by writing the batches of the first n turns, and telling the `rows` of each.
    """
    import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
    from modules.inputs.text.input import Text
    from modules.inputs.text.words import token_windows
    from modules.machine import devices, memory
    from modules.rows import batches as data
    from modules.starting_model import starting_model
    from modules.targets.one_label.target import OneLabel
    from modules.training import compiled
    from modules.training.settings import TrainerSettings

    import numpy as np
    import tensorflow as tf
    import tf_keras

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    memory.keep_freed_memory()
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    settings, labels = TrainerSettings.model_validate(run["trainer"]), run["labels"]
    tokens = np.load(folder / "tokens.npz")
    tf_keras.utils.set_random_seed(settings.seed)
    strategy, policy = devices.distribution_strategy(), devices.resolve_precision(precision)
    stream = data.TrainingStream(
        token_windows(tokens["token_ids"], tokens["padding_mask"], tokens["labels"]),
        batch_size=settings.batch_size * strategy.num_replicas_in_sync,
        seed=settings.seed,
    )
    inputs = {"text": Text(name="text", sequence_length=run["sequence_length"], backbone=run["backbone"])}
    target = OneLabel(labels=labels)
    with strategy.scope():
        model, _ = starting_model(inputs, target, settings, policy=policy)
        total = stream.steps_per_epoch * settings.passes
        compiled.compile_model(model, settings, total_steps=total, target=target)
    turns = _Turns(steps)
    callback = tf_keras.callbacks.LambdaCallback(on_train_batch_begin=turns.begin, on_train_batch_end=turns.end)
    batches = stream.batches(1).repeat().with_options(devices.data_options())
    weights = target.class_weights(stream.labels, settings.class_weights)

    def work() -> None:
        try:
            model.fit(batches, steps_per_epoch=10**9, epochs=1, callbacks=[callback], class_weight=weights, verbose=0)
        except Exception as error:  # the parent waits for this turn
            turns.fail(error)

    threading.Thread(target=work, daemon=True).start()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if "batches" in request:
            kept = list(stream.batches(1).repeat().take(steps * request["turns"]).as_numpy_iterator())
            arrays = {f"{i}.{name}": value for i, (inputs, _) in enumerate(kept) for name, value in inputs.items()}
            np.savez(request["batches"], **arrays, **{f"{i}.labels": label for i, (_, label) in enumerate(kept)})
            return {"rows": [len(label) for _, label in kept]}
        return {**turns.next(), "policy": policy}

    return answer


class _Turns:
    """Lets a `fit` loop run for some batches at a time, and takes the time from the first to the last of them."""

    def __init__(self, steps: int) -> None:
        self._steps, self._done, self._loss = steps, 0, 0.0
        self._began, self._cpu = 0.0, 0.0
        self._go = threading.Event()
        self._ended: queue.Queue[dict[str, float] | Exception] = queue.Queue()

    def begin(self, batch: int, logs: Any = None) -> None:
        if self._done == 0:
            self._go.wait()
            self._go.clear()
            self._began, self._cpu = time.perf_counter(), time.process_time()

    def end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._done += 1
        self._loss = float((logs or {}).get("loss", 0.0))
        if self._done == self._steps:
            self._done = 0
            seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
            self._ended.put({"seconds": seconds, "cpu_seconds": cpu, "loss": self._loss})

    def fail(self, error: Exception) -> None:
        self._ended.put(error)

    def next(self) -> dict[str, float]:
        self._go.set()
        ended = self._ended.get()
        if isinstance(ended, Exception):
            raise ended
        return ended


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("precision")
    parser.add_argument("steps", type=int)
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    serve(lambda: prepare(options.folder, options.precision, options.steps, options.threads))

"""One run of the pipeline in this process, with the time that passes inside training and tuning steps.

    python -m benchmarks.ours.pipeline_run --config FILE --profile NAME --root FOLDER --out FILE [--set FIELD=VALUE ...]

Writes JSON: `seconds` of the run's summary (`total`, `imports`, `nodes`), `states` by node, and `training`, the seconds
inside `fit` (Trainer, Tuner; the evaluation after each epoch is part of it) and the fine-tuning loop (Pruner), by node.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Stopwatch:
    """Adds up the time inside functions; of nested ones the outermost counts."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside, self._renamed = False, ""

    def renaming(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; what is timed while it runs is added up under this name."""

        @functools.wraps(function)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            self._renamed = name
            try:
                return function(*args, **kwargs)
            finally:
                self._renamed = ""

        return renamed

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under a name."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return function(*args, **kwargs)
            self._inside, began = True, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._inside = False
                self.seconds[self._renamed or name] += time.perf_counter() - began

        return timed


def run(config_path: str, profile: str | None, root: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Runs the pipeline.

    Raises:
        RuntimeError: a node failed, or the model was not blessed.
    """
    began = time.perf_counter()
    import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
    from modules.student.stages import tune

    import keras_tuner
    import tf_keras

    from pipeline import facts
    from pipeline.config import loader
    from pipeline.local import session

    watch = Stopwatch()
    tune.fine_tune = watch.around(facts.giving("pruned_model")[0], tune.fine_tune)
    # TFX executes copies of the module files, so what can be timed is what they call.
    tf_keras.Model.fit = watch.around(facts.giving("model_run")[0], tf_keras.Model.fit)
    keras_tuner.Tuner.search = watch.renaming(facts.giving("tuner_results")[0], keras_tuner.Tuner.search)
    early = time.perf_counter() - began
    config = loader.load(config_path, profile=profile, overrides=overrides)
    outcome = session.run(config, session.RunOptions(root=root, profile=profile))
    if outcome.error is not None:
        raise RuntimeError(str(outcome.error)) from outcome.error
    if not outcome.summary["blessed"]:
        raise RuntimeError(f"not blessed, so compression did not run: {outcome.summary['not_blessed_because']}")
    seconds = outcome.summary["seconds"]
    # The libraries that were imported here would otherwise have been imported inside the run.
    seconds = {**seconds, "total": seconds["total"] + early, "imports": seconds["imports"] + early}
    return {"seconds": seconds, "states": outcome.summary["states"], "training": dict(watch.seconds)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--profile")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    options = parser.parse_args(arguments)
    result = run(options.config, options.profile, options.root, options.overrides)
    options.out.write_text(json.dumps(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

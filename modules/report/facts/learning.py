"""What a report says of the search for hyperparameters and of the training."""

from __future__ import annotations

from typing import Any

from modules.artifact_files import HISTORY_FILE, TRIALS_FILE
from modules.report.files import read_json
from modules.targets.base import Target
from modules.training.settings import TunerSettings


def tuning(folder: str | None, section: TunerSettings, target: Target) -> dict[str, Any] | None:
    """The section `tuning`.

    Args:
        folder: Tuner's results; None where nothing was searched.
        section: `tuner` of the configuration.
        target: of the task, which knows of which metrics less is better.

    Returns:
        `objective`, `names` of what was searched, `logarithmic` ones among them, and `trials`, the best one first.
    """
    trials = read_json(folder, TRIALS_FILE)
    if not trials:
        return None
    names = [entry.name for entry in section.space if entry.name in trials[0]]
    smaller = target.less_is_better(section.objective or "")
    return {
        "objective": section.objective,
        "algorithm": section.algorithm,
        "names": names,
        "logarithmic": [entry.name for entry in section.space if entry.sampling == "log"],
        "trials": sorted(trials, key=lambda trial: trial["score"] * (1 if smaller else -1)),
    }


def training(folder: str | None) -> dict[str, Any] | None:
    """The section `training`: what Trainer wrote into `history.json`."""
    return read_json(folder, HISTORY_FILE)

"""What a pushed model was like when it was pushed: what windows of what is served are compared with.

It is gathered once from what the run left (StatisticsGen's profiles, the answers to `eval`), and kept in one file, so
that a monitor needs neither the metadata store nor the artifacts, and may run where neither is.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from modules.inputs import kinds
from modules.inputs.profiles import profile_file
from modules.machine.files import write_whole
from modules.quality import predictions, scoring

import numpy as np

from pipeline.config.task import Config
from pipeline.history import lineage
from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs, connection
from pipeline.traffic.estimate import Calibration

FORMAT = 1
SPLIT = "eval"
_SCORES = "probabilities"  # of predictions.parquet, where answers are labels


class ReferenceError(ValueError):
    """There is nothing to compare with; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """What a model was like.

    Attributes:
        task: its name.
        model: the pushed version, such as `server/1795661818`.
        labels: names; empty where answers have none.
        rows: of `eval`.
        answered: shares of the answered labels on `eval`.
        accuracy: on `eval`; None where answers are no single labels.
        scores: on `eval`, `value`, `low` and `high` by metric, with what a person calls it in `titles`.
        titles: by metric.
        confidence: mean score of the answered label; None likewise.
        calibration: how often an answer of some score is right; None likewise.
        profiles: by name of the file that StatisticsGen leaves for an input, its content.
    """

    task: str
    model: str
    labels: tuple[str, ...] = ()
    rows: int = 0
    answered: Mapping[str, float] = dataclasses.field(default_factory=dict)
    accuracy: float | None = None
    scores: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    confidence: float | None = None
    calibration: Calibration | None = None
    profiles: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def estimate(self, scores: np.ndarray) -> dict[str, float]:
        """The accuracy that a window's scores promise: `value`, `error`, `rows`; empty where they promise none.

        Args:
            scores: of the answered labels, float `[rows]`.
        """
        if not self.calibration or not len(scores):
            return {}
        found = self.calibration.estimate(scores)
        return {"value": found.value, "error": found.error, "rows": float(found.rows)}

    def write(self, path: Path) -> None:
        """Writes it, whole or not at all.

        Args:
            path: of the file.
        """
        write_whole(path, json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads what `write` wrote.

        Args:
            path: of the file.

        Raises:
            ReferenceError: it is no such file.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise ReferenceError(f"another format than {FORMAT}")
            calibration = values.pop("calibration")
            return cls(
                **{**values, "labels": tuple(values["labels"])},
                calibration=Calibration.from_dict(calibration) if calibration else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReferenceError(
                f"{path}: not the reference of a monitor ({error}); `monitor reference` writes one"
            ) from None


def of_push(config: Config, paths: TaskPaths, wanted: str) -> Reference:
    """The reference of a pushed version, out of the run that pushed it.

    Args:
        config: of the task.
        paths: of the task.
        wanted: as of `pipeline.history.lineage.trace`: `server/latest`, a version, a folder.

    Raises:
        ReferenceError: no such version was pushed, or what its run left is gone.
    """
    try:
        traced = lineage.trace(paths, wanted)
    except lineage.UnknownVersionError as error:
        raise ReferenceError(f"{error.args[0]} A run that pushes a model makes one; or give --reference.") from None
    model = f"{traced['kind']}/{traced['version']}"
    outputs = RunOutputs(connection(paths), traced["run"]["id"])
    evaluation, statistics = outputs.uri("Evaluator", "evaluation"), outputs.uri("StatisticsGen", "statistics")
    found = _answers(os.path.join(evaluation, "predictions.parquet") if evaluation else "", model)
    return dataclasses.replace(
        gathered(config, found[0], found[1]), model=model, profiles=_profiles(config, statistics or "")
    )


def gathered(config: Config, found: predictions.Predictions, labels: list[str]) -> Reference:
    """What the answers to a split say, without the profiles of the inputs.

    Args:
        config: of the task.
        found: the answers.
        labels: names, in the order of their ids.
    """
    judged = scoring.of(config.target)
    measured = judged.intervals(found.label, found.predicted)
    reference = Reference(
        task=config.task,
        model="",
        rows=len(found),
        scores={name: item.to_dict() for name, item in measured.items()},
        titles=dict(judged.titles),
    )
    if not labels or _SCORES not in found.more or found.label.ndim > 1:
        return reference
    scores = found.more[_SCORES][np.arange(len(found)), found.predicted]
    right = found.predicted == found.label
    return dataclasses.replace(
        reference,
        labels=tuple(labels),
        answered=_shares(found.predicted, labels),
        accuracy=float(right.mean()),
        confidence=float(scores.mean()),
        calibration=Calibration.fit(scores, right),
    )


def _shares(ids: np.ndarray, labels: list[str]) -> dict[str, float]:
    counts = np.bincount(ids, minlength=len(labels))
    return {label: float(count / len(ids)) for label, count in zip(labels, counts, strict=True)}


def _answers(path: str, model: str) -> tuple[predictions.Predictions, list[str]]:
    try:
        found, labels = predictions.parse(Path(path).read_bytes(), path)
        return found[SPLIT], labels
    except (OSError, KeyError, ValueError):
        raise ReferenceError(
            f"{model}: the answers of its Evaluator are gone ({path or 'the run is not in the metadata store'}); "
            "run the task again, or give --reference."
        ) from None


def _profiles(config: Config, statistics: str) -> dict[str, str]:
    """Those that are there: a kind need not have any, and then its drift is not measured."""
    folder = Path(statistics) / f"Split-{config.compared_split}"
    names = [profile_file(name) for name in kinds.playing(config.inputs, "statistics")]
    return {name: (folder / name).read_text(encoding="utf-8") for name in names if (folder / name).is_file()}

"""Made-up traffic: held-out rows with a model's real answers, drawn again and again by the hour of the day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from modules.quality.predictions import Predictions

import numpy as np

from pipeline.traffic.log import Row
from pipeline.traffic.window import Window

HOURS = 24
_HOUR_S = 3600
_SWING = 0.3  # by how much a slice's part goes up and down with the hour, of itself
_WOBBLE = 0.05  # and from window to window, at random
_ERROR_SHARE, _MILLISECONDS, _SPREAD = 0.002, 6.0, 0.35


@dataclasses.dataclass(frozen=True)
class Event:
    """What happens to a window.

    Attributes:
        label: whose share in `part` is multiplied by `surge`.
        part: slice, `column:value`; empty for all rows.
        surge: by how much.
        typos: share of the words in which two letters change places or one is replaced.
        wrong: share of the right answers that became another label.
        hard: rows are drawn by how unsure the model is of them, to this power.
        silent: nothing comes.
        slow: requests take so many times as long.
        errors: share of rows that are not answered.
    """

    label: str = ""
    part: str = ""
    surge: float = 1.0
    typos: float = 0.0
    wrong: float = 0.0
    hard: float = 0.0
    silent: bool = False
    slow: float = 1.0
    errors: float = _ERROR_SHARE


CALM = Event()


class Traffic:
    """Draws windows from the answers to a split."""

    def __init__(self, found: Predictions, labels: list[str], column: str, task: str, *, seed: int) -> None:
        """Args: `found`, of held-out rows; `labels`, names; `column`, of the text; `task`, its name; `seed`, of all."""
        self._found, self._labels, self._column, self._task = found, labels, column, task
        self._rng = np.random.default_rng(seed)
        self._scores = found.more["probabilities"]
        self._phases: dict[str, float] = {}
        values = [f"{name}:{value}" for name, of in found.slices.items() for value in sorted(set(of))]
        self.parts = {part: np.array(found.slices[part.partition(":")[0]]) == part.partition(":")[2] for part in values}
        self._phases = {part: self._rng.uniform(0, 2 * np.pi) for part in values}
        self.predicted = np.array(labels)[found.predicted]

    def share(self, label: str, part: str) -> float:
        """The share of a label among the answers to a slice.

        Args:
            label: its name.
            part: `column:value`; empty for all rows.
        """
        rows = self.parts[part] if part else slice(None)
        return float((self.predicted[rows] == label).mean())

    def window(self, number: int, rows: int, event: Event, *, sample: int) -> tuple[Window, np.ndarray, np.ndarray]:
        """An hour of it.

        Args:
            number: of the hour.
            rows: in the mean.
            event: what happens.
            sample: rows that are kept for the inputs' statistics.

        Returns:
            The open window; right answers and answers of its rows.
        """
        start = float(number * _HOUR_S)
        columns = tuple(self._found.slices)
        made = Window(number, start, start + _HOUR_S, slices=columns, sample=sample)
        count = 0 if event.silent else self._rng.poisson(rows * (1 + 0.5 * np.sin(2 * np.pi * number / HOURS)))
        drawn = self._rng.choice(len(self._found), size=count, p=self._weights(number, event))
        truth = self._found.label[drawn].copy()
        changed = self._rng.random(count) < event.wrong
        truth[changed] = (truth[changed] + 1) % len(self._labels)
        times = self._rng.lognormal(np.log(_MILLISECONDS * event.slow), _SPREAD, count)
        failed = self._rng.random(count) < event.errors
        for place, row in enumerate(drawn):
            made.add(self._row(int(row), f"{number}-{place}", start, float(times[place]), bool(failed[place]), event))
        return made, truth[~failed], self._found.predicted[drawn][~failed]

    def _weights(self, number: int, event: Event) -> np.ndarray:
        weights = np.ones(len(self._found))
        for part, rows in self.parts.items():
            swing = _SWING * np.sin(2 * np.pi * number / HOURS + self._phases[part])
            weights[rows] *= max(0.05, 1 + swing + self._rng.normal(0, _WOBBLE))
        if event.hard:
            weights *= (1.0 - self._scores.max(axis=1) + 0.02) ** event.hard
        if event.surge != 1.0:
            inside = self.parts[event.part] if event.part else np.ones(len(weights), bool)
            hits = inside & (self.predicted == event.label)
            share = weights[hits].sum() / weights[inside].sum()
            goal = min(0.98, event.surge * share)
            weights[hits] *= goal / share
            weights[inside & ~hits] *= (1 - goal) / (1 - share)
        return weights / weights.sum()

    def _row(self, row: int, name: str, time: float, milliseconds: float, failed: bool, event: Event) -> Row:
        text = self._found.text[row]
        values = {self._column: self._typed(text, event.typos) if event.typos else text}
        values |= {column: of[row] for column, of in self._found.slices.items()}
        label = str(self.predicted[row])
        scores = dict(zip(self._labels, map(float, self._scores[row]), strict=True))
        answer: Mapping[str, Any] = {"error": "x"} if failed else {"label": label}
        return Row(
            time=time, request_id=name, number=0, model=self._task, version="1", milliseconds=milliseconds,
            label=None if failed else label, score=None if failed else scores[label], scores=scores, error=failed,
            answer=answer, values=values,
        )  # fmt: skip

    def _typed(self, text: str, share: float) -> str:
        words = text.split(" ")
        for place in np.flatnonzero(self._rng.random(len(words)) < share):
            word = words[place]
            if len(word) > 3:
                at = int(self._rng.integers(1, len(word) - 2))
                words[place] = word[:at] + word[at + 1] + word[at] + "zqx"[int(self._rng.integers(3))] + word[at + 2 :]
        return " ".join(words)

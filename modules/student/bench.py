"""What a student costs as it will ship: converted, run by the device's runtime, its words cut by the device's code."""

from __future__ import annotations

import dataclasses
import time

from modules.inputs import kinds
from modules.machine.progress import tell
from modules.network.architecture import Architecture
from modules.network.arrays import NetworkWeights
from modules.network.weights import read_weights
from modules.registry import load
from modules.student import costs as costs_lib
from modules.student import structured
from modules.student.costs import Costs
from modules.student.settings import BudgetSettings
from modules.student.stages.values import TrimmedVocabulary
from modules.student.structured import Plan
from modules.tflite.recipes import RECIPES

import numpy as np

_MANIFEST_BYTES = 6_000
_TEXTS = 64  # whose tokenization is timed


class Bench:
    """What students really cost: converted by the recipe, and run in alternation with the blessed model.

    Args:
        trimmed: teacher, student's vocabulary, inputs and settings.
        budget: what was asked for.

    Attributes:
        name: of what was asked for: `speedup`, `ms` or `bytes`.
        asked: its value.
        window: tokens of the window that a text of median length takes.

    Raises:
        ValueError: no input has a backbone.
    """

    def __init__(self, trimmed: TrimmedVocabulary, budget: BudgetSettings) -> None:
        whole = kinds.layout(trimmed.inputs)
        main = kinds.with_backbone(trimmed.inputs)
        if main is None:
            raise ValueError("pruner.student.target: without an input that a backbone encodes nothing can be cut")
        self.name, self.asked = budget.asked
        self._trimmed = trimmed
        self._recipe = RECIPES[budget.recipe]
        self._layout = whole.cut(main.sequence_length)
        lengths = trimmed.in_own_words(trimmed.train).lengths
        self._windows = budget.windows or []
        all_windows = [*sorted(x for x in self._windows if x < self._layout.length), self._layout.length]
        self.window = next(x for x in all_windows if x >= min(float(np.median(lengths)), self._layout.length))
        self.weights = read_weights(trimmed.teacher.model)
        self._all_windows = all_windows
        self._words_ms = words_ms(trimmed) if self.name != "bytes" else 0.0
        self._reference = b""
        if self.name == "speedup":
            tell("converting the blessed model in float32, to be compared with")
            teacher = trimmed.teacher
            made = load(costs_lib.CONVERT)(self.weights, teacher.architecture, RECIPES["float32"], layout=self._layout)
            self._reference = made.content
        # A bundle carries its words as they are, and a manifest.
        words = sum(len(token.encode()) + 1 for token in trimmed.words.tokens)
        self._carried = words + _MANIFEST_BYTES if self.name == "bytes" else 0

    def costs(self) -> Costs:
        """The table of the unit that the budget is in."""
        shape = dataclasses.replace(self._trimmed.teacher.architecture, vocabulary_size=len(self._trimmed.words.tokens))
        if self.name != "bytes":
            table = costs_lib.latency_costs(shape, self._recipe, window=self.window)
            return dataclasses.replace(table, fixed=table.fixed + self._words_ms)
        found = costs_lib.byte_costs(shape, self._recipe, windows=self._all_windows)
        return dataclasses.replace(found, fixed=found.fixed + self._carried)

    def student(self, plan: Plan) -> tuple[NetworkWeights, Architecture]:
        """Arrays and shapes of a student that has not learned yet."""
        weights, shape = structured.rebuild(self.weights, self._trimmed.teacher.architecture, plan)
        kept = self._trimmed.words.kept
        return (
            dataclasses.replace(weights, token=weights.token[kept]),
            dataclasses.replace(shape, vocabulary_size=len(kept)),
        )

    def measured(self, plan: Plan) -> tuple[float, float]:
        """What a student costs, in milliseconds or bytes, and the limit in the same unit."""
        content = load(costs_lib.CONVERT)(
            *self.student(plan), self._recipe, layout=self._layout, windows=self._windows
        ).content
        if self.name == "bytes":
            return len(content) + self._carried, self.asked
        files = {(0, 0, 0): content} | ({(1, 0, 0): self._reference} if self._reference else {})
        times = costs_lib.alternating(files, window=self.window)
        limit = (times[1, 0, 0] + self._words_ms) / self.asked if self._reference else self.asked
        return times[0, 0, 0] + self._words_ms, limit

    def reference_ms(self) -> float:
        """Milliseconds of the blessed model in float32."""
        return costs_lib.alternating({(1, 0, 0): self._reference})[1, 0, 0] + self._words_ms

    def shown(self, cost: float, limit: float) -> float:
        """A cost in what was asked for: a speed-up, milliseconds, or bytes."""
        return self.asked * limit / cost if self.name == "speedup" else cost


def words_ms(trimmed: TrimmedVocabulary) -> float:
    """Milliseconds that the device takes to cut a text into words, the median over training rows; 0 without a text.

    Args:
        trimmed: training rows and the student's vocabulary; the texts are put together from their tokens.
    """
    rows = trimmed.in_own_words(trimmed.train)
    numbers = next((name for name in rows.windows if name != rows.mask), None)
    if numbers is None or rows.mask is None or not len(rows):
        return 0.0
    lines = trimmed.words.tokens
    kind = load("edgeline_edge.tokenizers:of_lines")(lines)  # by name, as the converter
    tokens, special = [line.partition("\t")[0] for line in lines], set(kind.special)
    chosen = np.random.default_rng(trimmed.settings.seed).permutation(len(rows))[:_TEXTS]
    ids, mask = rows.features[numbers][chosen], rows.features[rows.mask][chosen]
    cutter = kind.make(lines, max(ids.shape[1], 3))
    taken = []
    for row, length in zip(ids, mask.sum(axis=1), strict=True):
        words = [tokens[number] for number in row[:length] if tokens[number] not in special]
        text = "".join(words).replace("\u2581", " ") if kind.spec else " ".join(words).replace(" ##", "")
        began = time.perf_counter()
        cutter.encode([text])
        taken.append(1e3 * (time.perf_counter() - began))
    return float(np.median(taken))

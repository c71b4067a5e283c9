"""How several labels a row are judged: label by label, and as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.quality.means import MeansScoring
from modules.quality.predictions import Predictions
from modules.quality.scores import Floats, means_of
from modules.targets.many_labels.metrics import metrics_of, parts_of
from modules.targets.many_labels.target import DECISION, PROBABILITIES

import numpy as np
from scipy import sparse


class ManyLabelsScoring(MeansScoring):
    """Of a target of kind `many_labels`."""

    titles: Mapping[str, str] = {
        "macro_f1": "macro-F1", "micro_f1": "micro-F1", "subset_accuracy": "rows right in every label",
    }  # fmt: skip

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, int8 `[rows, labels]`, 1 for what is answered, and `probabilities`, float32 likewise."""
        predicted = (np.asarray(served[DECISION]) > 0).astype(np.int8)
        return {"predicted": predicted, PROBABILITIES: np.asarray(served[PROBABILITIES], np.float32)}

    def parts(self, truth: np.ndarray, predicted: np.ndarray) -> sparse.csr_array:
        """Hits, right and answered labels, see `modules.targets.many_labels.metrics.parts_of`.

        Args:
            truth: `[rows, labels]`.
            predicted: `[rows, labels]`.
        """
        return parts_of(truth, predicted)

    def of_means(self, means: Floats) -> dict[str, Floats]:
        """Macro-F1, micro-F1, and the share of rows that are right in every label.

        Args:
            means: of `parts`, `[..., 3 * labels + 2]`.
        """
        found = metrics_of(means)
        return {name: found[name] for name in self.titles}

    def told(self, found: Predictions, row: int) -> dict[str, Any]:
        """`labels` that are answered, and `scores` by label.

        Args:
            found: a model's answers to a split.
            row: which of them.
        """
        names, there = self.target.names, found.predicted[row] > 0
        scores = dict(zip(names, found.more[PROBABILITIES][row].tolist(), strict=True))
        return {"labels": [name for name, given in zip(names, there, strict=True) if given], "scores": scores}

    def details(self, found: Predictions) -> dict[str, Any]:
        """`by_label`: rows and scores of each label; `several`: rows by number of right and of answered labels."""
        counts = {
            name: np.bincount((labels > 0).sum(axis=1)).tolist()
            for name, labels in (("right", found.label), ("answered", found.predicted))
        }
        return {"by_label": self._by_label(found), "several": counts}

    def card_details(self, found: Predictions) -> dict[str, Any]:
        """`by_label`: `rows`, `precision` and `recall` of each, and F1."""
        return {"by_label": self._by_label(found)}

    def _by_label(self, found: Predictions) -> dict[str, dict[str, float]]:
        scores = metrics_of(means_of(parts_of(found.label, found.predicted)))
        rows = (found.label > 0).sum(axis=0)
        return {
            label: {
                "rows": int(rows[index]),
                **{name: float(scores[name][index]) for name in ("precision", "recall", "f1")},
            }
            for index, label in enumerate(self.target.names)
        }

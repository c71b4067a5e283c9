"""What chance alone explains: a label's share against the windows before it, whose own share is not quite steady.

The share of each window is taken for a draw from a beta distribution, whose mean and spread the windows before tell,
and the rows with the label for binomial draws from it. The spread between windows is estimated by the method of moments
of DerSimonian and Laird 1986, "Meta-analysis in clinical trials"; that of the mean is added to it. As few windows tell
their own spread badly, the distribution gets the tails of Student's. So a label whose share goes up and down is no
surge, and few windows to compare with make few false alarms.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

_LEAST_SPREAD = 1e-12


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What a label's share in a window may be.

    Attributes:
        share: its mean.
        variance: of a window's own share around it, what is not known of the mean included.
        freedom: degrees of freedom by which it is known; endless where draws alone explain the windows.
    """

    share: float
    variance: float
    freedom: float

    @classmethod
    def of(cls, counts: Sequence[int], totals: Sequence[int]) -> Baseline:
        """From windows.

        Args:
            counts: rows with the label in each window.
            totals: rows in each, above 0.

        Raises:
            ValueError: there is no window.
        """
        if not len(totals):
            raise ValueError("there is no window to compare with")
        found, rows = np.asarray(counts, float), np.asarray(totals, float)
        total = rows.sum()
        share = (found.sum() + 0.5) / (total + 1.0)  # a label that was never answered is not impossible
        chance = share * (1.0 - share)
        apart = (rows * (found / rows - share) ** 2).sum() / chance
        between = 0.0
        if len(rows) > 1:
            scale = total - (rows**2).sum() / total
            between = max(0.0, (apart - (len(rows) - 1)) / scale) * chance
        freedom = len(rows) - 1.0 if between else np.inf
        return cls(share, between + chance / total + between * (rows**2).sum() / total**2, freedom)

    def chance_of(self, count: int, rows: int) -> float:
        """How probable at least so many rows with the label are.

        Args:
            count: rows with the label.
            rows: of the window.
        """
        normal = stats.norm.isf(stats.betabinom.sf(count - 1, rows, *self._shape()))
        return float(stats.t.sf(normal, self.freedom))

    def most(self, rows: int, level: float) -> float:
        """The largest share that is not too improbable.

        Args:
            rows: of the window.
            level: the probability of a larger one.
        """
        normal = stats.norm.sf(stats.t.isf(level, self.freedom))
        return float(stats.betabinom.isf(normal, rows, *self._shape())) / rows

    def _shape(self) -> tuple[float, float]:
        chance = self.share * (1.0 - self.share)
        weight = chance / min(max(self.variance, _LEAST_SPREAD * chance), 0.9 * chance) - 1.0
        return self.share * weight, (1.0 - self.share) * weight


def above(count: int, rows: int, share: float) -> float:
    """How probable at least so many rows are where the true share is no larger than a bound.

    Args:
        count: rows of the kind.
        rows: in all.
        share: the bound.
    """
    return float(stats.binom.sf(count - 1, rows, share))


def below(count: int, rows: int, share: float) -> float:
    """How probable at most so many rows are where the true share is no smaller than a bound.

    Args:
        count: rows of the kind.
        rows: in all.
        share: the bound.
    """
    return float(stats.binom.cdf(count, rows, share))


def deviations(level: float) -> float:
    """How many standard errors a normal value is above its mean with some probability.

    Args:
        level: the probability.
    """
    return float(stats.norm.isf(level))

"""What chance alone explains: a label's share against the windows before it, whose own share is not quite steady.

The share of each window is taken for a draw from a beta distribution, whose mean and spread the windows before tell,
and the rows with the label for binomial draws from it. The spread between windows is estimated by the method of moments
of DerSimonian and Laird 1986, "Meta-analysis in clinical trials", within groups of windows with a mean of their own
(times of a day), over all groups together; that of the mean is added to it. As few windows tell their own spread badly,
the distribution gets the tails of Student's. So a label whose share goes up and down is no surge, and few windows to
compare with make few false alarms.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

_LEAST_SPREAD = 1e-12
Counts = Sequence[tuple[int, int]]  # of windows, rows with a label and all rows, which are above 0


@dataclasses.dataclass(frozen=True)
class Spread:
    """How far the shares of windows are apart beyond what draws explain.

    Attributes:
        between: variance of a window's own share, as a part of what one draw has: share * (1 - share).
        freedom: degrees of freedom by which it is known; endless where draws alone explain the windows.
    """

    between: float
    freedom: float

    @classmethod
    def of(cls, groups: Iterable[Counts]) -> Spread:
        """From windows that belong together, group by group; a group of one window tells nothing.

        Args:
            groups: windows with one mean each.
        """
        excess = scale = freedom = 0.0
        for group in groups:
            if len(group) < 2:
                continue
            found, rows = np.asarray(group, float).T
            total, share = rows.sum(), _share(found, rows)
            apart = (rows * (found / rows - share) ** 2).sum() / (share * (1.0 - share))
            excess += apart - (len(rows) - 1)
            scale += total - (rows**2).sum() / total
            freedom += len(rows) - 1
        between = max(0.0, excess / scale) if scale else 0.0
        return cls(between, freedom if between else np.inf)


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
    def of(cls, windows: Counts, spread: Spread | None = None) -> Baseline:
        """From windows.

        Args:
            windows: those that tell the mean.
            spread: of windows; by default that of these.

        Raises:
            ValueError: there is no window.
        """
        if not windows:
            raise ValueError("there is no window to compare with")
        found, rows = np.asarray(windows, float).T
        spread = spread or Spread.of([windows])
        total, share = rows.sum(), _share(found, rows)
        chance = share * (1.0 - share)
        own = spread.between * (1.0 + (rows**2).sum() / total**2)
        return cls(share, chance * (own + 1.0 / total), spread.freedom)

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


def _share(found: np.ndarray, rows: np.ndarray) -> float:
    """Of all windows; a label that was never answered is not impossible."""
    return float((found.sum() + 0.5) / (rows.sum() + 1.0))


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

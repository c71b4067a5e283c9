"""Whether the model is better than another, the linear baseline or what is served, by more than noise.

Both answered every row. The difference of a metric comes with a paired bootstrap interval: both models see the same
resample each time, so what makes some rows hard for both cancels out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.quality.comparison import paired_rows
from modules.quality.scoring import Scoring
from modules.quality.settings import Beats

if TYPE_CHECKING:
    from modules.quality.predictions import Predictions

LINEAR, SERVED = ("the linear baseline", "beats_baseline"), ("the latest blessed model", "beats_served")
BETTER, NOISE, WORSE = "better", "within noise", "worse"
_EPSILON = 1e-9  # a difference that equals the margin up to rounding reaches it
_END = {"upper_end": "high", "value": "value", "lower_end": "low"}


def measure(
    model: Predictions, baseline: Predictions, judge: Scoring, settings: Beats, *, name: str,
    other: tuple[str, str] = LINEAR,
) -> dict[str, Any]:  # fmt: skip
    """Compares the model with another, its baseline.

    Args:
        model: its answers to a split.
        baseline: the baseline's answers to the same split.
        judge: of the target.
        settings: the section that says how.
        name: what the baseline is, in words.
        other: what it is called, and the section's name, `LINEAR` or `SERVED`.

    Returns:
        JSON values, the content of `beats_baseline.json` and `beats_served.json`: the settings; `name`; `against`;
        `rows`; `model` and `baseline`, the metric of each; `difference` (`value`, `low`, `high`), above 0 where the
        model is better; `verdict`, what the interval says of it: `better`, `within noise` or `worse`; and `missed`,
        empty or one item as of the other bounds of the gate.

    Raises:
        ValueError: the baseline answered other rows than the model.
    """
    ours: Any = slice(None)
    theirs: Any = slice(None)
    if list(model.text) != list(baseline.text):  # examples of another component may have no hashes
        ours, theirs = paired_rows(model.text_hash, baseline.text_hash)
        if len(ours) != len(model):
            raise ValueError(
                f"{other[0]} answered {len(ours)} of the {len(model)} rows that the model did; both must come "
                f"of the same examples. Run its node again, or set evaluator.{other[1]}=null."
            )
    metric = settings.metric or judge.target.objective
    truth, mine, theirs = model.label[ours], model.predicted[ours], baseline.predicted[theirs]
    sides = (theirs, mine) if judge.target.less_is_better(metric) else (mine, theirs)
    difference = judge.differences(
        truth, *sides, resamples=settings.resamples, level=settings.level, seed=settings.seed
    )[metric]
    found = {
        **settings.model_dump(mode="json"),
        "metric": metric,
        "name": name,
        "against": other[0],
        "rows": len(truth),
        "model": judge.scores(truth, mine)[metric],
        "baseline": judge.scores(truth, theirs)[metric],
        "difference": difference.to_dict(),
        "verdict": verdict(difference.low, difference.high),
    }
    return found | {"missed": _missed(found, *other)}


def verdict(low: float, high: float) -> str:
    """What the interval of a difference says of it.

    Args:
        low: lower end.
        high: upper end.

    Returns:
        `better`, `within noise` or `worse`.
    """
    return BETTER if low > 0 else WORSE if high < 0 else NOISE


def told(found: Mapping[str, Any]) -> str:
    """What was measured, in one line.

    Args:
        found: what `measure` returned.
    """
    difference = found["difference"]
    ends = f"[{difference['low']:+.3f}, {difference['high']:+.3f}] at {found['level']:.0%}"
    return (
        f"{found['metric']} {found['model']:.4f}, {found.get('against', LINEAR[0])} {found['baseline']:.4f} on the "
        f"same {found['rows']} rows: {difference['value']:+.4f} {ends}"
    )


def _missed(found: Mapping[str, Any], other: str, section: str) -> list[dict[str, Any]]:
    difference, margin = found["difference"], found["margin"]
    end = difference[_END[found["decided_by"]]]
    # Equal is not better, but it is no worse.
    if end > margin + _EPSILON if found["decided_by"] == "lower_end" else end >= margin - _EPSILON:
        return []
    asked = {
        "upper_end": "a model must not be worse by more than noise",
        "value": "the difference itself decides",
        "lower_end": "a model must be better by more than noise",
    }[found["decided_by"]]
    by = f" than {other} {'plus' if margin > 0 else 'minus'} {abs(margin):g}" if margin else ""
    message = f"{told(found)}; {asked}{by} (evaluator.{section})"
    return [
        {
            "metric": f"{found['metric']} against {other}",
            "slice": "overall",
            "value": difference["value"],
            "bound": f"{margin:+g}",
            "message": message,
        }
    ]

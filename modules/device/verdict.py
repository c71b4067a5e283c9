"""What measured variants come to: by which score they are told apart, and what a student says of its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.device.gate import pareto
from modules.quality import against_baseline, intervals
from modules.quality.scoring import Scoring
from modules.tflite import output as outputs
from modules.tflite import variants as variants_lib
from modules.tflite.main_score import MainScore


def against_teacher(student: Mapping[str, Any], judge: Scoring) -> dict[str, Any]:
    """What a student's difference to its teacher says of the teacher.

    Args:
        student: what `measure` found for the student in float32.
        judge: of the target.

    Returns:
        `verdict` (`better`, `within noise` or `worse`), the `difference` of the main score (`value`, `low`, `high`;
        above 0 the student is better), and a `message` where the student is better by more than noise; else it is None.
    """
    found = student["against_reference"]
    verdict, message = against_baseline.verdict(found["low"], found["high"]), None
    if verdict == against_baseline.BETTER:
        score = main_score(judge)
        sign, sides = (-1, ("high", "low")) if score.lower_is_better else (1, ("low", "high"))
        ends = ", ".join(f"{sign * found[side]:+.4f}" for side in sides)
        message = (
            f"the student is better than its teacher on eval: {score.title} {sign * found['value']:+.4f} "
            f"[{ends}] at {intervals.LEVEL:.0%}. The teacher was not trained enough, so that drops measured against it "
            "say little"
        )
    return {"verdict": verdict, "difference": dict(found), "message": message}


def main_score(judge: Scoring) -> MainScore:
    """By which score variants are told apart.

    Args:
        judge: of the target.
    """
    output = outputs.of(judge.target.kind)
    return MainScore(
        output.score,
        judge.titles[output.score],
        judge.target.less_is_better(output.score),
        output.score in output.relative,
        output.agrees,
    )


def pareto_names(results: Mapping[str, dict[str, Any]], judge: Scoring) -> list[str]:
    """Variants that no other beats in the main score, bytes and latency together.

    Args:
        results: what `measure` returned.
        judge: of the target.
    """
    score = main_score(judge)
    keys = ((score.name, -1 if score.lower_is_better else 1), ("bytes", -1), ("latency_p50_ms", -1))
    complete = {
        name: values
        for name, values in results.items()
        if name != variants_lib.REFERENCE and all(key in values for key, _ in keys)
    }
    return pareto(complete, keys)

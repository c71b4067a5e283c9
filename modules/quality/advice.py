"""What to try where a model is no better than the linear baseline: what the run itself shows to be short.

Nothing here is a guess: each line names the number that it follows from, and the setting to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from modules.inputs.base import BackboneInput
from modules.inputs.kinds import Inputs, with_backbone
from modules.inputs.profiles import profile_file
from modules.quality import against_baseline
from modules.targets.base import Target
from modules.training.settings import AUTO, TrainerSettings

_UNKNOWN = 0.05  # share of unknown tokens from which a vocabulary does not fit the texts
_CUT = 0.05  # share of cut texts from which the window is too short
_RARE = 1 / 3  # of an equal share: a label with fewer rows than that is rare


def what_to_try(
    config: Mapping[str, Any],
    inputs: Inputs,
    target: Target,
    training: Mapping[str, Any] | None,
    profile: Callable[[str], Mapping[str, Any] | None],
) -> list[str]:
    """Advice from the facts of a run, the most promising first.

    Args:
        config: the resolved configuration, JSON values.
        inputs: of the task.
        target: of the task.
        training: what Trainer recorded; None where it is not known.
        profile: reads a file beside the statistics of the train split, by its name; None where there is none.
    """
    main = with_backbone(inputs)
    texts = profile(profile_file(main.name)) if main else None
    found = [*_vocabulary(texts), *_length(config, target, training), *_rows(config)]
    if main:
        where = f"inputs.{main.name}." if config.get("inputs") else ""
        found += [*_window(where, main, texts), *_layers(where, main)]
    found += _labels(config, texts)
    if not found and not config["tuner"]["enabled"]:
        found.append("a search for the learning rate: tuner.enabled=true with learning_rate in tuner.space")
    return found or ["more labelled rows, or the linear model itself: on these rows the network found no more than it"]


def wanted(linear: Mapping[str, Any] | None, student: Mapping[str, Any] | None) -> bool:
    """Whether a run needs advice: its model is not shown to be better than the baseline, or its student beats it.

    Args:
        linear: the comparison on eval, `modules.quality.against_baseline.measure`; None where there was none.
        student: what the student's difference to its teacher says; None where there is no student.
    """
    if student and student["verdict"] == against_baseline.BETTER:
        return True
    return linear is not None and linear["verdict"] != against_baseline.BETTER


def _vocabulary(texts: Mapping[str, Any] | None) -> Iterator[str]:
    rate = (texts or {}).get("unknown_token_rate", 0.0)
    if rate > _UNKNOWN:
        yield f"a backbone for the language of these texts: {rate:.0%} of their tokens are unknown to its vocabulary"


def _length(config: Mapping[str, Any], target: Target, training: Mapping[str, Any] | None) -> Iterator[str]:
    if not training:
        return
    settings = TrainerSettings.model_validate(training["settings"])
    if settings.probe == "only":
        yield "fine-tuning behind the fitted head, which stays where that is no better: trainer.probe=first"
        return
    curve = _curve(training["history"], target)
    steps = len(curve) * -(-training["rows"] // (settings.batch_size * training["replicas"]))
    asked = config["trainer"]["epochs"]
    longer = f"trainer.min_steps={2 * max(steps, settings.min_steps)}" if asked == AUTO else f"trainer.epochs={AUTO}"
    if asked != AUTO and steps < settings.min_steps:
        yield f"longer training: it had {steps} steps of the optimizer; {longer} gives it {settings.min_steps} or more"
    elif curve and curve.index(max(curve)) == len(curve) - 1:
        yield f"longer training: epoch {len(curve)}, the last one, was still the best on eval; {longer}"


def _curve(history: Mapping[str, Sequence[float]], target: Target) -> list[float]:
    """The target's objective on eval by epoch, so that more is better."""
    sign = -1.0 if target.less_is_better(target.objective) else 1.0
    return [sign * value for value in history.get(f"val_{target.objective}", [])]


def _rows(config: Mapping[str, Any]) -> Iterator[str]:
    share = config["data"]["train_fraction"]
    if share < 1:
        yield f"all rows: this profile trains on {share:.0%} of them; data.train_fraction=1, or another profile"


def _window(where: str, main: BackboneInput, texts: Mapping[str, Any] | None) -> Iterator[str]:
    bins, window, place = (texts or {}).get("tokens", {}), main.sequence_length, where or "preprocessing."
    # A bin's number is twice the binary logarithm of the length plus one; two tokens of a window are not text.
    longer = sum(count for number, count in bins.items() if 2 ** (int(number) / 2) - 1 > main.windows * (window - 2))
    share = longer / max(1, sum(bins.values()))
    if share > _CUT:
        yield (
            f"a longer window: about {share:.0%} of the texts have more than the {main.windows * window} tokens of "
            f"{place}sequence_length"
        ) + (f"; {place}long_text=head_tail reads their end, too" if _reads_head(main) else "")


def _reads_head(main: BackboneInput) -> bool:
    return getattr(main, "long_text", "") == "head"


def _layers(where: str, main: BackboneInput) -> Iterator[str]:
    for field, value in main.backbone.unused().items():
        yield f"the whole backbone: {where}backbone.{field}={value}, where {getattr(main.backbone, field)} is used"


def _labels(config: Mapping[str, Any], texts: Mapping[str, Any] | None) -> Iterator[str]:
    counts = (texts or {}).get("labels") or {}
    if config["trainer"]["class_weights"] != "none" or not counts:
        return
    label, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < _RARE * sum(counts.values()) / len(counts):
        yield f"weights for rare labels: {label} has {fewest} rows; trainer.class_weights=balanced"

"""`inputs` and `target` of the configuration: read by their kinds, or made of the short form.

The short form is `labels`, `data.columns.text` and `.label`, `preprocessing` and `backbone`: one text, one label.
Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NoReturn, TypeVar

from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.network.backbones.base import Backbone
from modules.network.fusion.kinds import CONCAT, FUSIONS
from modules.quality.settings import EvaluatorSettings
from modules.settings import Section
from modules.student.settings import PrunerSettings
from modules.targets.base import Target
from modules.targets.kinds import ONE_LABEL, TARGETS
from modules.text.settings import PreprocessingSettings
from modules.training.settings import TrainerSettings, TunerSettings

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from pipeline.config.rows.data import DataConfig

SectionT = TypeVar("SectionT", bound=Section)
TEXT = "text"  # name and kind of the input of the short form
SHORT = {
    "inputs": ("data.columns.text", "preprocessing", "backbone"),
    "target": ("labels", "data.columns.label"),
}


def refuse_both(given: Set[str]) -> None:
    """Refuses a configuration in both forms.

    Args:
        given: names of the fields that the file has; `data.columns.text` for those inside `data.columns`.

    Raises:
        ValueError: a field of the short form stands beside what it is short for.
    """
    for part, short in SHORT.items():
        both = [name for name in short if name in given]
        if part in given and both:
            raise ValueError(f"{part} and {', '.join(both)} say the same thing twice; keep one of the two forms")


def completed(values: Any) -> Any:
    """Puts `labels` and their column into a `target` that says what else there is of it, as its `decision`.

    Args:
        values: of a configuration, as the file has them; what is no such section is given back.
    """
    labels, target = (
        (values.get(name) for name in ("labels", "target")) if isinstance(values, Mapping) else (None, None)
    )
    if not isinstance(target, Mapping) or not labels or {"labels", "column"} & target.keys():
        return values
    if target.get("kind", ONE_LABEL) != ONE_LABEL:
        return values
    data = values.get("data")
    columns = data.get("columns") if isinstance(data, Mapping) else None
    of_labels = {}
    if isinstance(data, Mapping) and isinstance(columns, Mapping) and "label" in columns:
        of_labels["column"] = columns["label"]
        data = {**data, "columns": {name: value for name, value in columns.items() if name != "label"}}
    rest = {name: value for name, value in values.items() if name not in ("labels", "data")}
    whole = {"kind": ONE_LABEL, "labels": labels, **of_labels, **target}
    return {**rest, **({"data": data} if "data" in values else {}), "target": whole}


def short_inputs(column: str, preprocessing: PreprocessingSettings, backbone: Backbone) -> dict[str, Input]:
    """The one text of the short form."""
    section = {"kind": TEXT, "column": column, **preprocessing.model_dump(), "backbone": backbone}
    return inputs_lib.read({TEXT: section})


def short_target(column: str, labels: Sequence[str]) -> Target:
    """The one label of the short form."""
    return TARGETS[ONE_LABEL].model_validate({"kind": ONE_LABEL, "column": column, "labels": list(labels)})


def check_rows(inputs: inputs_lib.Inputs, data: DataConfig) -> None:
    """Refuses what can be done with the text of a row alone, where rows have none.

    Args:
        inputs: of the task.
        data: the section `data`.

    Raises:
        ValueError: a setting asks for it.
    """
    part = inputs_lib.with_backbone(inputs)
    if part and not part.optional:
        if data.augmentation.enabled and "variation" not in part.parts:
            raise ValueError(f"data.augmentation: an input of kind {part.kind} cannot be varied; leave it out")
        return
    asked = {
        "data.cleaning.near_duplicates": data.cleaning.near_duplicates is not None,
        "data.cleaning.languages": bool(data.cleaning.languages),
        "data.augmentation": data.augmentation.enabled,
    }
    for name in [name for name, there in asked.items() if there]:
        what = f"rows may lack that of inputs.{part.name}" if part else "no input with a backbone reads one"
        raise ValueError(f"{name}: is for texts, and {what}; leave it out")


def check(inputs: inputs_lib.Inputs, target: Target, slices: Sequence[str], *, edge: bool) -> None:
    """Compares the parts of a task with each other.

    Args:
        inputs: of the task.
        target: of the task.
        slices: the slice columns.
        edge: whether bundles for devices are made.

    Raises:
        ValueError: two parts want one name, no input or several backbones are there, or a device cannot serve one.
    """
    if not inputs:
        raise ValueError("inputs: is empty; name one input at least, or leave `inputs` out for one text")
    main = inputs_lib.with_backbone(inputs)
    if main and main.optional and len(inputs) == 1:
        raise ValueError(f"inputs.{main.name}.optional: there is no other input, and a row without it has nothing")
    inputs_lib.tensors(inputs)
    read = {column.name: column for column in inputs_lib.columns(inputs)}
    for column in target.columns():
        if column.name in read:
            raise ValueError(f"target.column: {column.name!r} is a column of an input; the answer would be given away")
    for name in slices:
        if name in read and (not read[name].is_text or read[name].is_image):
            raise ValueError(f"data.columns.slices: {name!r} is a column of {read[name].what}s; slices are texts")
        if name in {column.name for column in target.columns()}:
            raise ValueError(f"data.columns.slices: {name!r} is the target's column")
    for name in target.judged_by:
        if name not in (*slices, *(column for column, found in read.items() if found.is_text)):
            raise ValueError(
                f"target: its metrics read the column {name!r}, which no example has as a text; let an input read it, "
                "or make it a slice column (data.columns.slices)"
            )
    if "scoring" not in target.parts:
        raise ValueError(
            f"target: the kind {target.kind} does not say how its answers are judged; give its class a `scoring` among "
            "its `parts`, see CONTRIBUTING.md"
        )
    if not edge:
        return
    for part in inputs.values():
        if "device" not in part.parts:
            raise ValueError(
                f"inputs.{part.name}: no device can compute an input of kind {part.kind} yet, so no bundle can be "
                "made; set edge: false to make the server's model alone"
            )
    if not {"device", "distillation"} <= set(target.parts):
        raise ValueError(
            f"target: no device can answer a target of kind {target.kind} yet, so no bundle can be made; set "
            "edge: false to make the server's model alone"
        )


def check_fusion(inputs: inputs_lib.Inputs, trainer: TrainerSettings) -> None:
    """Compares what is done with several inputs with those that there are.

    Args:
        inputs: of the task.
        trainer: the training.

    Raises:
        pydantic.ValidationError: there is no such fusion; the error names the nearest.
        ValueError: there is one input alone, or one does not say what a row without a value is.
    """
    if trainer.fusion not in FUSIONS:  # not where the section is: what reads it need not be made anew with each fusion
        _fail(("trainer", "fusion"), trainer.fusion, FUSIONS.kinds, "ways of fusing inputs")
    if len(inputs) == 1:
        if trainer.fusion != CONCAT:
            raise ValueError(
                f"trainer.fusion is {trainer.fusion}; there is one input, which meets no other; leave it out"
            )
        if trainer.modality_dropout:
            raise ValueError(
                f"trainer.modality_dropout is {trainer.modality_dropout}; there is one input, and a row without it has "
                "nothing; set it to 0"
            )
    for part in inputs.values() if trainer.modality_dropout else ():
        if not part.may_lack:
            raise ValueError(
                f"trainer.modality_dropout: an input of kind {part.kind} (inputs.{part.name}) does not say what a row "
                "without a value is; set it to 0, or give the class a method `absent`, see CONTRIBUTING.md"
            )


def small(section: SectionT, part: str, **values: Any) -> SectionT:
    """A section for a network without a backbone, which is small as it is: with other values where none was given.

    Args:
        section: of the configuration.
        part: which section of it.
        **values: by field, what it is unless the configuration says it.
    """
    inner = getattr(section, part)
    unsaid = {name: value for name, value in values.items() if name not in inner.model_fields_set}
    return section.with_values(**{part: inner.with_values(**unsaid)}) if unsaid else section


def check_student(pruner: PrunerSettings) -> None:
    """Refuses what can be done to a backbone alone, where there is none.

    Args:
        pruner: the student.

    Raises:
        ValueError: a setting asks for it.
    """
    foreign = [target for target in pruner.pruning.targets if not target.startswith("input/")]
    if pruner.pruning.enabled and foreign:
        raise ValueError(
            f"pruner.pruning.targets: {foreign[0]!r} is of a backbone, and no input has one; name kernels of "
            "the inputs, such as input/*, or set pruner.pruning.pattern to none"
        )
    if pruner.augmentation.copies:
        raise ValueError(
            "pruner.augmentation.copies: is for texts, and no input with a backbone reads one; set it to 0"
        )


def check_metrics(target: Target, evaluator: EvaluatorSettings, tuner: TunerSettings, slices: Sequence[str]) -> None:
    """Compares what the gate bounds and the search improves with what is measured of the target.

    Args:
        target: of the task.
        evaluator: the gate.
        tuner: the search.
        slices: the slice columns.

    Raises:
        pydantic.ValidationError: a metric or a column that there is not; the error names the field and the nearest.
        ValueError: a bound of a share is none.
    """
    of_target = f"metrics of a target of kind {target.kind}"
    for name in evaluator.thresholds:
        _known(("evaluator", "thresholds"), name, target.measured, f"{of_target} that can be bounded")
        for field, value in evaluator.thresholds[name]:
            if value is not None and target.shares and not 0 <= value <= 1:
                raise ValueError(f"evaluator.thresholds.{name}.{field} is {value:g}; {name} lies between 0 and 1")
    where = ("evaluator", "fairness", "bounds")
    for column, bounds in evaluator.fairness.bounds.items():
        for metric, bound in bounds.items():
            if target.shares and bound.max_gap > 1:
                largest = f"{bound.max_gap:g}; {metric} lies between 0 and 1"
                raise ValueError(f"evaluator.fairness.bounds.{column}.{metric}.max_gap is {largest}")
        _known(where, column, slices, "slice columns (data.columns.slices)")
        for metric in bounds:
            _known((*where, column), metric, target.gaps, f"{of_target} whose gap can be bounded")
    for section, against in (("beats_baseline", evaluator.beats_baseline), ("beats_served", evaluator.beats_served)):
        if against and against.metric not in (None, *target.watched):
            place = ("evaluator", section, "metric")
            _fail(place, str(against.metric), target.watched, f"{of_target} that models are compared by")
    if evaluator.other_labels == "shared" and target.narrowed(target.names) is None:
        raise ValueError(
            f"evaluator.other_labels is shared; a target of kind {target.kind} has no labels of which some can be left "
            "out; set it to not_compared or refused"
        )
    objectives = [*(f"val_{name}" for name in target.watched), "val_loss"]
    if tuner.enabled and tuner.objective not in objectives:
        _fail(("tuner", "objective"), str(tuner.objective), objectives, f"{of_target} that a search can improve")


def check_classes(target: Target, trainer: TrainerSettings, *, balanced: bool) -> None:
    """Compares what counts classes with a target, which may have none.

    Args:
        target: of the task.
        trainer: the training.
        balanced: whether labels are brought up to the most frequent one.

    Raises:
        ValueError: classes are to be weighed, smoothed or balanced where there are none.
    """
    if trainer.class_weights != "none" and type(target).class_weights is Target.class_weights:
        why = "rows of it have any number of labels" if target.cell.separator else "it has no classes to weigh"
        raise ValueError(
            f"trainer.class_weights is {trainer.class_weights}, which weighs a row by its one label; the target is of "
            f"kind {target.kind}: {why}; set it to none"
        )
    if trainer.label_smoothing and type(target).smoothed_loss is Target.smoothed_loss:
        raise ValueError(
            f"trainer.label_smoothing is {trainer.label_smoothing}; a target of kind {target.kind} has no labels to "
            "smooth; set it to 0"
        )
    if trainer.probe != "none" and "probe" not in target.parts:
        raise ValueError(
            f"trainer.probe is {trainer.probe}; a target of kind {target.kind} has no head that can be fitted "
            "before the training; set it to none"
        )
    if balanced and (not target.names or target.cell.separator):
        what = "no single label a row" if target.names else "no labels"
        raise ValueError(
            f"data.augmentation.balance: a target of kind {target.kind} has {what} to balance; set it to false"
        )


def _known(where: tuple[str, ...], name: str, known: Iterable[str], what: str) -> None:
    if name not in known:
        _fail((*where, name), name, known, what)


def _fail(where: tuple[str, ...], name: str, known: Iterable[str], what: str) -> NoReturn:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    message = f"{name} is none of the {what}.{hint} There are: {', '.join(known) or 'none'}"
    kind = PydanticCustomError("part", message.replace("{", "{{"))  # type: ignore[arg-type]
    raise ValidationError.from_exception_data("part", [InitErrorDetails(type=kind, loc=where, input=None)])

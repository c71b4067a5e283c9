"""The configuration of a task: one YAML file, one validated model, every field documented.

Nothing here imports TensorFlow or TFX. Loading, overriding and the errors that teach are in `pipeline.config.loader`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from modules.card.settings import CardSettings
from modules.device.settings import EdgeEvaluatorSettings
from modules.inputs import kinds
from modules.inputs.kinds import InputSections
from modules.network.backbones import base as backbones
from modules.network.backbones.base import AnyBackbone
from modules.quality.settings import EvaluatorSettings
from modules.report.settings import ReporterSettings
from modules.settings import Section
from modules.student.settings import PrunerSettings
from modules.targets.kinds import TargetSection
from modules.text.settings import PreprocessingSettings
from modules.tflite.settings import ConverterSettings
from modules.training.settings import TrainerSettings, TunerSettings

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from pipeline.config import budget, names, parts
from pipeline.config.monitor import MonitorConfig
from pipeline.config.platform import PlatformConfig
from pipeline.config.retrain import RetrainConfig
from pipeline.config.rows.data import DataConfig
from pipeline.config.validator import ValidatorConfig

# A slash or a space would break artifact paths, upper case a Kubeflow pipeline name.
TaskName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]


class PusherConfig(Section):
    """What happens to a blessed model."""

    keep_versions: int = Field(10, ge=1)
    """Older versions than these are removed after a push; `latest` always stays."""


class Config(Section):
    """Everything that a task decides."""

    task: TaskName
    """Name of the task; the folder under `runs/` and the pipeline's name."""
    labels: list[str] = Field([], min_length=2)
    """The label names, in the order of their ids; short for `target: {kind: one_label, labels: […]}`."""
    inputs: InputSections = {}
    """What comes in, by name and kind. Empty: one text, `data.columns.text`, with `preprocessing` and `backbone`."""
    target: TargetSection = None  # type: ignore[assignment]
    """What is predicted. Empty: one of `labels`, in `data.columns.label`. Beside `labels` it may say the rest, such as
    `target: {positive: spam, decision: {threshold: auto}}`."""
    edge: bool = True
    """Whether a student is made of a blessed model, and bundles for devices of it."""
    schema_path: str
    """The curated TFMD schema (text protobuf); `make schema` drafts one."""
    extensions: list[str] = []
    """Modules of your own that register kinds (of inputs, targets, backbones, …), by dotted name. Every process of a
    run imports them first."""
    data: DataConfig
    """Rows."""
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    """Features."""
    backbone: AnyBackbone = backbones.read(backbones.DEFAULT)
    """The pretrained encoder: `kind: minilm`, `multilingual`, `preset` or `scratch`."""
    trainer: TrainerSettings = TrainerSettings()
    """Training."""
    tuner: TunerSettings = TunerSettings(enabled=False)
    """Hyperparameter search."""
    validator: ValidatorConfig = ValidatorConfig()
    """Drift and skew."""
    evaluator: EvaluatorSettings = EvaluatorSettings()
    """Server gate."""
    pusher: PusherConfig = PusherConfig()
    """What a push keeps, of server models and of bundles."""
    pruner: PrunerSettings = PrunerSettings()
    """The student: shape, distillation, zeros."""
    converter: ConverterSettings = ConverterSettings()
    """TFLite recipes."""
    edge_evaluator: EdgeEvaluatorSettings = EdgeEvaluatorSettings()
    """The gate in front of the bundle's push."""
    card: CardSettings = CardSettings()
    """What the model card says besides numbers."""
    reporter: ReporterSettings = ReporterSettings()
    """How much the report of a run looks at."""
    monitor: MonitorConfig = MonitorConfig()
    """What `monitor` makes of what is served."""
    retrain: RetrainConfig = RetrainConfig()
    """When `watch --on` makes a span of labelled requests."""
    platform: PlatformConfig = PlatformConfig()
    """What the nodes get on Kubeflow or Vertex AI; the local runner reads nothing of it."""

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, values: Any) -> Any:
        return parts.completed(values)

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        """Puts the parts in place; what the short form says is not written down a second time."""
        parts.refuse_both({*self.model_fields_set, *(f"data.columns.{x}" for x in self.data.columns.model_fields_set)})
        if "inputs" not in self.model_fields_set:
            column = self.data.columns.text
            self.__dict__["inputs"] = parts.short_inputs(column, self.preprocessing, self.backbone)
        if "target" not in self.model_fields_set:
            if not self.labels:
                raise ValueError("labels: is missing; name the labels, or set `target`")
            self.__dict__["target"] = parts.short_target(self.data.columns.label, self.labels)
        self.validator.bounds(self.inputs)
        parts.check_rows(self.inputs, self.data)
        parts.check(self.inputs, self.target, self.data.columns.slices, edge=self.edge)
        parts.check_fusion(self.inputs, self.trainer)
        names.check(self.inputs, self.target, self.data.columns.slices)
        if kinds.with_backbone(self.inputs) is None:
            self.__dict__["pruner"] = parts.small(self.pruner, "pruning", pattern="none")
            self.__dict__["edge_evaluator"] = parts.small(
                self.edge_evaluator, "gate", min_size_ratio=None, min_latency_ratio=None
            )
            if self.edge:
                parts.check_student(self.pruner)
        if self.pruner.modality_dropout is None and self.trainer.modality_dropout:
            self.__dict__["pruner"] = self.pruner.with_values(modality_dropout=self.trainer.modality_dropout)
        if self.tuner.objective is None:
            self.__dict__["tuner"] = self.tuner.with_values(objective=f"val_{self.target.objective}")
        if self.edge:
            gate = self.edge_evaluator.gate.of_target(self.target)
            if gate is not self.edge_evaluator.gate:
                self.__dict__["edge_evaluator"] = self.edge_evaluator.with_values(gate=gate)
            if self.pruner.student.target is not None:
                main = kinds.with_backbone(self.inputs)
                self.__dict__["pruner"] = budget.budgeted(self.pruner, self.converter, main)
                self.__dict__["edge_evaluator"] = budget.gated(self.edge_evaluator, self.pruner)
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the form that was not used, so that what is written can be read again."""
        values = handler(self)
        unused = {name for name in ("inputs", "target") if name not in self.model_fields_set}
        columns = values.get("data", {}).get("columns", {})
        if "inputs" in self.model_fields_set:
            unused |= {"preprocessing", "backbone"}
            columns.pop("text", None)
        if "target" in self.model_fields_set:
            unused.add("labels")
            columns.pop("label", None)
        return {name: value for name, value in values.items() if name not in unused}

    @model_validator(mode="after")
    def _what_is_asked_can_be_measured(self) -> Self:
        parts.check_metrics(self.target, self.evaluator, self.tuner, self.data.columns.slices)
        parts.check_classes(self.target, self.trainer, balanced=self.data.augmentation.balance)
        return self

    @property
    def schema_file(self) -> Path:
        """The schema's path."""
        return Path(self.schema_path)

    @property
    def warm_starts(self) -> bool:
        """Whether training starts from the latest blessed model, if there is one."""
        return self.data.has_spans if self.trainer.warm_start is None else self.trainer.warm_start

    @property
    def compared_split(self) -> str:
        """The split whose statistics are compared with those of other spans and of serving."""
        return self.validator.split or ("eval" if self.data.augmentation.enabled else "train")

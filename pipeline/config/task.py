"""The configuration of a task: one YAML file, one validated model, every field documented.

Nothing here imports TensorFlow or TFX. Loading, overriding and the errors that teach are in `pipeline.config.loader`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from modules.inputs.base import BackboneInput
from modules.settings import Section

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, TypeAdapter, model_serializer, model_validator

from pipeline.config import parts
from pipeline.config.card import CardConfig
from pipeline.config.edge import ConverterConfig, EdgeEvaluatorConfig, PrunerConfig
from pipeline.config.evaluator import EvaluatorConfig
from pipeline.config.platform import PlatformConfig
from pipeline.config.reporter import ReporterConfig
from pipeline.config.rows.data import DataConfig
from pipeline.config.validator import ValidatorConfig

Precision = Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
# A slash or a space would break artifact paths, upper case a Kubeflow pipeline name.
TaskName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class PreprocessingConfig(Section):
    """Text to features."""

    sequence_length: int = Field(64, ge=8, le=512)
    """Window in tokens, [CLS] and [SEP] included; longer texts are cut."""


class MinilmBackbone(Section):
    """all-MiniLM-L6-v2, six layers of 384 units, fetched once through the package registry (Apache-2.0)."""

    kind: Literal["minilm"] = "minilm"
    """Selects this backbone."""
    layers: list[Annotated[int, Field(ge=0, le=5)]] = Field([0, 2, 5], min_length=1, max_length=6)
    """Which of the six layers to keep, from the input to the output."""


class PresetBackbone(Section):
    """A KerasNLP BERT preset."""

    kind: Literal["preset"]
    """Selects this backbone."""
    preset: str
    """Name of a preset (`bert_tiny_en_uncased`; needs the network) or a local preset folder."""


class ScratchBackbone(Section):
    """Random weights."""

    kind: Literal["scratch"]
    """Selects this backbone."""
    num_layers: int = Field(2, ge=1, le=48)
    """Transformer layers."""
    num_heads: int = Field(2, ge=1)
    """Attention heads of each layer."""
    hidden_dim: int = Field(128, ge=4)
    """Width of the encoder; a multiple of `num_heads`."""
    intermediate_dim: int = Field(512, ge=4)
    """Width of the feed-forward layers."""
    vocabulary: str | None = None
    """WordPiece vocabulary, one token a line. Empty: MiniLM's (BERT uncased)."""

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim {self.hidden_dim} is not a multiple of num_heads {self.num_heads}")
        return self


Backbone = Annotated[MinilmBackbone | PresetBackbone | ScratchBackbone, Field(discriminator="kind")]


class TrainerConfig(Section):
    """Fine-tuning. With the tuner on, the fields of `tuner.space` are replaced by the best trial's."""

    epochs: int = Field(3, ge=1)
    """Passes over the train split, at most (see `early_stopping_patience`)."""
    batch_size: int = Field(32, ge=1)
    """Rows per replica and step; the global batch is this times the number of replicas."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak of the schedule."""
    warmup_fraction: Fraction = 0.1
    """Share of all steps over which the learning rate rises from 0; it then falls linearly to 5 % of its peak."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay; never on biases and layer norms."""
    gradient_clip_norm: float = Field(1.0, gt=0)
    """Largest global norm of the gradient."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Rate inside the encoder and before the head."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs each class by the inverse of its frequency."""
    early_stopping_patience: int = Field(2, ge=0)
    """Epochs without a better macro-F1 on eval before training stops; the best weights are restored either way."""
    precision: Precision = "auto"
    """`auto`: mixed_float16 on a GPU, mixed_bfloat16 on a CPU with AVX512-BF16, else float32."""
    warm_start: bool | None = None
    """Start from the latest blessed model instead of the backbone's own weights. Empty: where `data.path` has spans."""
    seed: int = 17
    """Seeds Python, NumPy and TensorFlow."""
    checkpoint_steps: int = Field(100, ge=1)
    """Steps between two checkpoints that a killed training goes on from."""
    tensorboard: bool = True
    """Write TensorBoard logs into the ModelRun artifact: curves, hyperparameters, and those of the search's trials."""
    profile_steps: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)] | None = None
    """First and last step to profile, such as `[10, 12]`; needs `tensorboard`. A profiled step is slower."""

    @model_validator(mode="after")
    def _profile_fits(self) -> Self:
        if self.profile_steps and (self.profile_steps[0] > self.profile_steps[1] or not self.tensorboard):
            raise ValueError(f"profile_steps {self.profile_steps}: a first and a last step, with tensorboard: true")
        return self


class SpaceEntry(Section):
    """One hyperparameter to search."""

    name: Literal["learning_rate", "dropout", "weight_decay", "warmup_fraction", "batch_size", "gradient_clip_norm"]
    """Field of the `trainer` section."""
    kind: Literal["float", "int", "choice"]
    """`float` and `int` take `min` and `max`, `choice` takes `values`."""
    min: float | None = None
    """Lowest value."""
    max: float | None = None
    """Highest value."""
    sampling: Literal["linear", "log"] = "linear"
    """`log` for scales such as the learning rate's."""
    values: list[float] | None = None
    """The values of a `choice`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "choice":
            if not self.values:
                raise ValueError("a choice needs `values`")
        elif self.min is None or self.max is None or self.min >= self.max:
            raise ValueError(f"a {self.kind} needs `min` < `max`")
        if self.sampling == "log" and self.min is not None and self.min <= 0:
            raise ValueError("log sampling needs `min` > 0")
        return self


class TunerConfig(Section):
    """Search for hyperparameters, under the same strategy and precision as the training."""

    enabled: bool = True
    """False uses the values of the `trainer` section."""
    reuse: Literal["never", "latest"] = "never"
    """`latest` searches nothing and takes the best values of the last search in this metadata store."""
    algorithm: Literal["bayesian", "hyperband", "random"] = "bayesian"
    """How the space is searched (KerasTuner)."""
    trials: int = Field(8, ge=1)
    """Sets of values to try (Hyperband derives its own number from `epochs`)."""
    epochs: int = Field(1, ge=1)
    """Passes over the data per trial; for Hyperband, the most that a trial gets."""
    steps_per_epoch: int | None = Field(None, ge=1)
    """Steps that count as one pass in a trial. Empty: the whole train split."""
    eval_steps: int | None = Field(None, ge=1)
    """Batches of eval to score a trial on. Empty: all."""
    objective: Literal["val_macro_f1", "val_accuracy", "val_loss"] = "val_macro_f1"
    """What the search improves; losses are made small, the others large."""
    space: list[SpaceEntry] = []
    """What is searched."""

    @model_validator(mode="after")
    def _space_is_needed(self) -> Self:
        if self.enabled and self.reuse == "never" and not self.space:
            raise ValueError("tuner.enabled needs at least one entry in tuner.space")
        names = [entry.name for entry in self.space]
        if len(set(names)) != len(names):
            raise ValueError(f"tuner.space names a hyperparameter twice: {names}")
        return self


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
    inputs: parts.Inputs = {}
    """What comes in, by name and kind. Empty: one text, `data.columns.text`, with `preprocessing` and `backbone`."""
    target: parts.SomeTarget = None  # type: ignore[assignment]
    """What is predicted. Empty: one of `labels`, in `data.columns.label`."""
    edge: bool = True
    """Whether a student is made of a blessed model, and bundles for devices of it."""
    schema_path: str
    """The curated TFMD schema (text protobuf); `make schema` drafts one."""
    extensions: list[str] = []
    """Modules of your own that register kinds (of inputs, targets, backbones, …), by dotted name. Every process of a
    run imports them first."""
    data: DataConfig
    """Rows."""
    preprocessing: PreprocessingConfig = PreprocessingConfig()
    """Features."""
    backbone: Backbone = MinilmBackbone()
    """The pretrained encoder: `kind: minilm`, `preset` or `scratch`."""
    trainer: TrainerConfig = TrainerConfig()
    """Training."""
    tuner: TunerConfig = TunerConfig(enabled=False)
    """Hyperparameter search."""
    validator: ValidatorConfig = ValidatorConfig()
    """Drift and skew."""
    evaluator: EvaluatorConfig = EvaluatorConfig()
    """Server gate."""
    pusher: PusherConfig = PusherConfig()
    """What a push keeps, of server models and of bundles."""
    pruner: PrunerConfig = PrunerConfig()
    """The student: shape, distillation, zeros."""
    converter: ConverterConfig = ConverterConfig()
    """TFLite recipes."""
    edge_evaluator: EdgeEvaluatorConfig = EdgeEvaluatorConfig()
    """The gate in front of the bundle's push."""
    card: CardConfig = CardConfig()
    """What the model card says besides numbers."""
    reporter: ReporterConfig = ReporterConfig()
    """How much the report of a run looks at."""
    platform: PlatformConfig = PlatformConfig()
    """What the nodes get on Kubeflow or Vertex AI; the local runner reads nothing of it."""

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        """Puts the parts in place; what the short form says is not written down a second time."""
        parts.refuse_both({*self.model_fields_set, *(f"data.columns.{x}" for x in self.data.columns.model_fields_set)})
        if "inputs" in self.model_fields_set:
            known = TypeAdapter(Backbone)
            inputs = {
                name: part.with_values(backbone=known.dump_python(known.validate_python(part.backbone), mode="json"))
                if isinstance(part, BackboneInput)
                else part
                for name, part in self.inputs.items()
            }
        else:
            backbone = self.backbone.model_dump(mode="json")
            inputs = parts.short_inputs(self.data.columns.text, self.preprocessing.sequence_length, backbone)
        if "target" not in self.model_fields_set:
            if not self.labels:
                raise ValueError("labels: is missing; name the labels, or set `target`")
            self.__dict__["target"] = parts.short_target(self.data.columns.label, self.labels)
        self.__dict__["inputs"] = inputs
        parts.check(self.inputs, self.target, self.data.columns.slices, edge=self.edge)
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
    def _bounds_can_be_measured(self) -> Self:
        self.evaluator.check_gaps(self.data.columns.slices, self.target.names)
        for name in self.evaluator.thresholds:
            if name not in self.target.bounded:
                raise ValueError(
                    f"evaluator.thresholds: {name} is no metric of a target of kind {self.target.kind}; there are: "
                    f"{', '.join(self.target.bounded) or 'none'}"
                )
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

    def node_settings(self, *sections: str) -> dict[str, Any]:
        """The named sections as JSON values, for a node's `custom_config`."""
        return {name: _dump(getattr(self, name)) for name in sections}


def _dump(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value

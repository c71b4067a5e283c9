"""The `data` section of the configuration: where rows come from, which column is what, how they are split.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Self

from modules.datasets.base import DatasetName
from modules.rows.settings import Columns
from modules.settings import Section

from pydantic import Field, model_validator

from pipeline.config.rows import span_pattern
from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.collect import CollectConfig
from pipeline.config.rows.source import SourceConfig
from pipeline.config.rows.spans import SpansConfig
from pipeline.config.rows.splits import Splits


class DataConfig(Section):
    """Where the rows come from and how they are split."""

    path: str | None = None
    """The file with the rows: CSV, JSONL, Parquet, TFRecord of `tf.Example`, or an SQL query; or a pattern of such
    files with `{SPAN}`. Empty: `dataset`'s."""
    dataset: DatasetName | None = None
    """A data set that arrives through the package registry, such as `vader`; docs/tasks.md lists them."""
    source: SourceConfig = SourceConfig()
    """How `path` is read."""
    cleaning: CleaningConfig = CleaningConfig()
    """Which rows are kept back."""
    collect: CollectConfig | None = None
    """An HTTP API that `data collect` fetches rows from."""
    columns: Columns = Columns()
    """Which column is what."""
    splits: Splits = Splits()
    """How rows are divided: by a hash of their normalised text, in shares of integers, or as a column says."""
    train_fraction: float = Field(1.0, gt=0.0, le=1.0)
    """Share of the train split to use, stratified by label and slices; `eval` and `test` are never sampled."""
    spans: SpansConfig = SpansConfig()
    """Which spans of `path` to read, where it is a pattern."""
    serving_logs: str | None = None
    """What was served, to compare with: JSON lines, CSV or TFRecord with the text's column; a file or a glob."""
    augmentation: AugmentationConfig = AugmentationConfig()
    """Variations of training rows."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if not self.path and not self.dataset:
            raise ValueError("set data.path to a file with rows (or `--data FILE`), or data.dataset to `vader`")
        if self.splits.column and self.augmentation.enabled:
            raise ValueError(
                "augmentation knows no split but that of a row's own text, by its hash: a variation could be equal to "
                "a row of test. Leave out splits.by, .given and .order, or the augmentation"
            )
        wrong = span_pattern.problem(self.path or "")
        if wrong:
            raise ValueError(f"path: {wrong}")
        return self

    @property
    def has_spans(self) -> bool:
        """Whether `path` is a pattern of spans."""
        return span_pattern.has_spans(self.path or "")

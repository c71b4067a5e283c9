"""Where the artifacts of a run are that a report is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Artifacts:
    """Folders of the artifacts of a run; None where there is none.

    Attributes:
        examples: ExampleGen's.
        statistics: StatisticsGen's.
        anomalies: ExampleValidator's.
        transformed_examples: Transform's examples.
        tuner_results: Tuner's.
        training: the `training` folder of Trainer's model.
        evaluation: Evaluator's, on eval.
        test_evaluation: TestEvaluator's, on test.
        baseline: LinearBaseline's.
        variants: TFLiteConverter's.
        edge_evaluation: EdgeEvaluator's.
        fingerprint: ExampleGen's, of the files that it read; empty where it made none.
        blessed: whether the server model was blessed.
        pushed: version and path of what was pushed, by destination.
    """

    examples: str | None = None
    statistics: str | None = None
    anomalies: str | None = None
    transformed_examples: str | None = None
    tuner_results: str | None = None
    training: str | None = None
    evaluation: str | None = None
    test_evaluation: str | None = None
    baseline: str | None = None
    variants: str | None = None
    edge_evaluation: str | None = None
    fingerprint: str = ""
    blessed: bool | None = None
    pushed: Mapping[str, Mapping[str, str] | None] = dataclasses.field(default_factory=dict)

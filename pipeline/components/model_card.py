"""ModelCard: writes the card that travels with what is pushed, of a SavedModel or of a bundle."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from typing import Any

from modules.artifact_files import (
    BEATS_BASELINE_FILE,
    BUNDLE_FILE,
    CARD_JSON,
    CARD_MARKDOWN,
    FAIRNESS_FILE,
    HISTORY_FILE,
    PARETO_FILE,
    PREDICTIONS_FILE,
    PROBES_FILE,
)
from modules.card.settings import ModelCardNodeSettings

from tfx import types  # isort: skip
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import component_spec, standard_artifacts
from tfx.utils import io_utils

from pipeline.components import artifacts

MODEL, EVALUATION, TEST_EVALUATION, BUNDLE = "model", "evaluation", "test_evaluation", "bundle"
STATISTICS = "statistics"
CARD, SETTINGS = "card", "settings"
_PROBED = 512  # rows that probes are chosen from


class Executor(base_executor.BaseExecutor):
    """Reads what the evaluators left and calls `modules.card.model_card`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; where there is no bundle, there is no card of one, and that is recorded."""
        self._log_startup(input_dict, output_dict, exec_properties)
        from modules.card import model_card
        from modules.quality import scoring

        settings = ModelCardNodeSettings.from_json(exec_properties[SETTINGS])
        card = artifacts.single(output_dict, CARD)
        if input_dict.get(BUNDLE):
            reason = artifacts.reason_to_skip(input_dict, model=BUNDLE, blessing="")
            if reason:
                artifacts.skip(card, reason, CARD_JSON)
                return
            facts, probes = _edge(settings, input_dict), _edge_probes(input_dict)
        else:
            facts, probes = _server(settings, input_dict), _probes(settings, input_dict)
        kept = [line for line in probes.split("\n") if line][: settings.card.probes]
        if kept:
            io_utils.write_string_file(os.path.join(card.uri, PROBES_FILE), "".join(f"{line}\n" for line in kept))
        artifacts.write_json(os.path.join(card.uri, CARD_JSON), facts)
        page = model_card.render(facts, scoring.of(settings.target).titles)
        io_utils.write_string_file(os.path.join(card.uri, CARD_MARKDOWN), page)


def _server(settings: ModelCardNodeSettings, input_dict: artifacts.Artifacts) -> dict[str, Any]:
    from modules.card import model_card
    from modules.quality import predictions

    splits: dict[str, Any] = {}
    linear: dict[str, Any] = {}
    for key in (TEST_EVALUATION, EVALUATION):
        folder = artifacts.single(input_dict, key).uri
        found = predictions.read(os.path.join(folder, PREDICTIONS_FILE))[0]
        if fileio.exists(os.path.join(folder, BEATS_BASELINE_FILE)):
            linear |= dict.fromkeys(found, _read_json(folder, BEATS_BASELINE_FILE))
        splits |= found
    model = artifacts.single(input_dict, MODEL)
    training = _read_json(artifacts.training_folder(model), HISTORY_FILE)
    return model_card.server(
        settings,
        splits=splits,
        fairness=_read_json(artifacts.single(input_dict, TEST_EVALUATION).uri, FAIRNESS_FILE),
        training=training,
        size={"bytes": _bytes(artifacts.serving_folder(model)), "parameters": training["parameters"]},
        created=_today(),
        linear=linear,
        texts=_texts(settings, input_dict),
    )


def _probes(settings: ModelCardNodeSettings, input_dict: artifacts.Artifacts) -> str:
    """Rows for a server to try a new version with; none where a row is more than a text, since only that was kept."""
    from modules.quality import predictions, probes, scoring

    judge = scoring.of(settings.target)
    if not settings.card.probes or list(settings.columns.values()) != ["text"]:
        return ""
    file = os.path.join(artifacts.single(input_dict, TEST_EVALUATION).uri, PREDICTIONS_FILE)
    [found] = predictions.read(file)[0].values()
    rows = probes.candidates(found.text, found.text_hash, _PROBED)
    answers = ((found.text[row], judge.told(found, row)) for row in rows)
    return probes.lines((text, told) for text, told in answers if told is not None)


def _edge_probes(input_dict: artifacts.Artifacts) -> str:
    """Those that EdgeEvaluator asked the bundle."""
    file = os.path.join(artifacts.single(input_dict, EVALUATION).uri, PROBES_FILE)
    if not fileio.exists(file):
        return ""
    with fileio.open(file, "rb") as stream:
        return stream.read().decode("utf-8")


def _edge(settings: ModelCardNodeSettings, input_dict: artifacts.Artifacts) -> dict[str, Any]:
    from modules.card import model_card

    bundle = os.path.join(artifacts.serving_folder(artifacts.single(input_dict, BUNDLE)), BUNDLE_FILE)
    with fileio.open(bundle, "rb") as stream:
        content = stream.read()
    training = _read_json(artifacts.training_folder(artifacts.single(input_dict, MODEL)), HISTORY_FILE)
    return model_card.edge(
        settings,
        pareto=_read_json(artifacts.single(input_dict, EVALUATION).uri, PARETO_FILE),
        bundle={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        training_rows=training["rows"],
        created=_today(),
        texts=_texts(settings, input_dict),
    )


def _texts(settings: ModelCardNodeSettings, input_dict: artifacts.Artifacts) -> Any:
    """What StatisticsGen found of the texts, of the split that it looked at."""
    folder = artifacts.single(input_dict, STATISTICS).uri if input_dict.get(STATISTICS) and settings.profile else None
    if folder is None:
        return None
    found = [split for split in fileio.listdir(folder) if fileio.exists(os.path.join(folder, split, settings.profile))]
    return _read_json(os.path.join(folder, min(found)), settings.profile) if found else None


def _read_json(folder: str, name: str) -> Any:
    with fileio.open(os.path.join(folder, name)) as stream:
        return json.loads(stream.read())


def _bytes(folder: str) -> int:
    return sum(
        len(fileio.open(os.path.join(place, name), "rb").read())
        for place, _, names in fileio.walk(folder)
        for name in names
    )


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


class ModelCardSpec(component_spec.ComponentSpec):
    """Inputs and outputs; a card is the last word of an evaluation, and has its type."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        EVALUATION: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        TEST_EVALUATION: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        BUNDLE: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        STATISTICS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
    }
    OUTPUTS = {CARD: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class ModelCard(base_component.BaseComponent):
    """Writes `model_card.md` and `model_card.json`."""

    SPEC_CLASS = ModelCardSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        evaluation: types.BaseChannel,
        settings: ModelCardNodeSettings,
        test_evaluation: types.BaseChannel | None = None,
        bundle: types.BaseChannel | None = None,
        statistics: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            model: Trainer's model.
            evaluation: of the SavedModel, Evaluator's; of a bundle, EdgeEvaluator's.
            settings: what the card depends on.
            test_evaluation: of the SavedModel, TestEvaluator's.
            bundle: EdgeEvaluator's bundle; without it the card is the SavedModel's.
            statistics: of the rows, which say in what language they are.
        """
        super().__init__(
            ModelCardSpec(
                model=model,
                evaluation=evaluation,
                test_evaluation=test_evaluation,
                bundle=bundle,
                statistics=statistics,
                settings=settings.to_json(),
                card=types.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )

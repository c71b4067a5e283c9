"""Fifth stage: what a server loads, and what later nodes rebuild the network from."""

from __future__ import annotations

from modules.artifact_files import training_dir
from modules.fitting.values import DecidedModel, ExportedModel
from modules.inputs import kinds as inputs_lib
from modules.network.trained import save_trained
from modules.serving import server as signatures
from modules.stages import extend

import tensorflow_transform as tft


def export(decided: DecidedModel) -> ExportedModel:
    """Writes the float32 SavedModel and, beside it, the rebuildable model.

    Args:
        decided: what the stage before gave.

    Returns:
        The same with the folder of the rebuildable model, `training_dir` of the SavedModel's.
    """
    inputs, target, plain = decided.inputs, decided.decided, decided.plain
    transform = tft.TFTransformOutput(decided.transform_graph)
    signatures.save(signatures.Server(plain, transform, inputs=inputs, target=target), decided.serving_dir)
    main = inputs_lib.with_backbone(inputs)
    vocabulary = main.vocabulary() if main else []
    folder = training_dir(decided.serving_dir)
    save_trained(folder, plain, decided.architecture, vocabulary=vocabulary, labels=target.names)
    return extend(decided, ExportedModel, rebuildable_dir=folder)

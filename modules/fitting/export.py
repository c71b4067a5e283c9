"""Fourth stage: what a server loads, and what later nodes rebuild the network from."""

from __future__ import annotations

from modules.artifact_files import training_dir
from modules.fitting.values import ExportedModel, FittedModel
from modules.inputs import kinds as inputs_lib
from modules.network.model import build_model
from modules.network.trained import save_trained
from modules.serving import server as signatures
from modules.stages import extend

import tensorflow_transform as tft


def export(fitted: FittedModel) -> ExportedModel:
    """Writes the float32 SavedModel and, beside it, the rebuildable model.

    The network is rebuilt under float32 first: what is shipped depends neither on the policy nor on the strategy that
    trained it.

    Args:
        fitted: what the stage before gave.

    Returns:
        The same with the folder of the rebuildable model, `training_dir` of the SavedModel's.
    """
    inputs, target, architecture = fitted.inputs, fitted.target, fitted.architecture
    plain = build_model(architecture, dropout=0.0, policy="float32")
    plain.set_weights(fitted.model.get_weights())
    transform = tft.TFTransformOutput(fitted.transform_graph)
    signatures.save(signatures.Server(plain, transform, inputs=inputs, target=target), fitted.serving_dir)
    main = inputs_lib.with_backbone(inputs)
    vocabulary = main.vocabulary() if main else []
    folder = training_dir(fitted.serving_dir)
    save_trained(folder, plain, architecture, vocabulary=vocabulary, labels=target.names)
    return extend(fitted, ExportedModel, rebuildable_dir=folder)

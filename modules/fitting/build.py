"""Second stage: the network that learns, from a backbone or from the latest blessed model."""

from __future__ import annotations

from modules.fitting.values import BuiltModel, LoadedRows
from modules.network.depth import layer_rates
from modules.stages import extend
from modules.starting_model import starting_model
from modules.training import compiled


def build(loaded: LoadedRows) -> BuiltModel:
    """Builds and compiles the network under the strategy and the policy.

    Args:
        loaded: what the stage before gave; its rows say how many steps the learning rate falls over.

    Returns:
        The same with the network.

    Raises:
        ValueError: the model of a warm start has another architecture or other labels.
    """
    settings = loaded.settings
    with loaded.strategy.scope():
        model, architecture = starting_model(
            loaded.inputs,
            loaded.target,
            settings,
            policy=loaded.policy,
            answers=loaded.stream.labels,
            base_model=loaded.base_model,
        )
        total = loaded.stream.steps_per_epoch * settings.passes
        rates = layer_rates(model, settings.layer_decay)
        compiled.compile_model(model, settings, total_steps=total, target=loaded.target, rates=rates)
    return extend(loaded, BuiltModel, model=model, architecture=architecture)

"""The values a training runs with: the configuration's, replaced by those that the tuner found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.training.settings import TrainerSettings


def resolve(trainer: TrainerSettings, tuned: Mapping[str, Any] | None) -> TrainerSettings:
    """Merges the tuner's values into the section `trainer`.

    Args:
        trainer: the section.
        tuned: a KerasTuner `HyperParameters` configuration (as TFX hands it over), or None.

    Returns:
        The section with the tuned values in place, each of the type it had.

    Raises:
        pydantic.ValidationError: a value that the section does not take; a search must not go beyond its bounds.
    """
    # KerasTuner keeps values of its own there, such as Hyperband's `tuner/epochs`.
    values = (tuned or {}).get("values") or {}
    known = {name: value for name, value in values.items() if name in TrainerSettings.model_fields}
    if not known:
        return trainer
    return trainer.with_values(**{name: type(getattr(trainer, name))(value) for name, value in known.items()})

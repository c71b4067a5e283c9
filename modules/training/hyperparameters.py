"""The values a training runs with: the configuration's, replaced by those that the tuner found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def resolve(trainer: Mapping[str, Any], tuned: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merges the tuner's values into the `trainer` section.

    Args:
        trainer: the `trainer` section.
        tuned: a KerasTuner `HyperParameters` configuration (as TFX hands it over), or None.

    Returns:
        The section with the tuned values in place, each of the type it had.
    """
    settings = dict(trainer)
    for name, value in ((tuned or {}).get("values") or {}).items():
        if name in settings:
            settings[name] = type(settings[name])(value)
    return settings

"""The stated budget of a student, `pruner.student.target`, in the other sections that it concerns.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from modules.device.settings import EdgeEvaluatorSettings
from modules.inputs.base import BackboneInput
from modules.student.settings import TOLERANCE, PrunerSettings
from modules.tflite.recipes import RECIPES
from modules.tflite.settings import ConverterSettings


def budgeted(pruner: PrunerSettings, converter: ConverterSettings, main: BackboneInput | None) -> PrunerSettings:
    """The student's section with the windows that its budget is reckoned in.

    Args:
        pruner: with a budget.
        converter: what bundles are made of it.
        main: the input that a backbone encodes.

    Raises:
        ValueError: nothing can be cut, or the budget's recipe is not made, not in the catalogue or needs calibration.
    """
    budget = pruner.student.target
    if main is None:
        raise ValueError("pruner.student.target: no input has a backbone, so nothing can be cut; leave it out")
    if budget is None:
        return pruner
    able = [name for name in converter.recipes if name in RECIPES and not RECIPES[name].needs_calibration]
    if budget.recipe not in able or budget.recipe in {recipe.name for recipe in converter.custom_recipes}:
        raise ValueError(
            f"pruner.student.target.recipe: {budget.recipe!r} must be a recipe of the catalogue without calibration "
            f"and among converter.recipes; those are {', '.join(able) or 'none'}"
        )
    windows = converter.windows if budget.windows is None else budget.windows
    return pruner.with_values(student=pruner.student.with_values(target=budget.with_values(windows=windows)))


def gated(section: EdgeEvaluatorSettings, pruner: PrunerSettings) -> EdgeEvaluatorSettings:
    """The gate with the stated budget: what ships keeps it, or nothing ships and the report names the nearest.

    The default bounds of size and speed make way; those of the configuration stay beside the budget's.

    Args:
        section: of the configuration.
        pruner: with a budget.
    """
    budget = pruner.student.target
    if budget is None:
        return section
    name, asked = budget.asked
    gate, bounds = section.gate, dict[str, float | None]()
    if name == "speedup":
        bounds["min_latency_ratio"] = round(asked * (1 - TOLERANCE), 6)
    elif name == "ms":
        bounds["max_latency_ms"] = round(asked * (1 + TOLERANCE), 6)
    else:
        bounds["max_bytes"] = int(asked * (1 + TOLERANCE))
    for field in ("min_latency_ratio", "max_latency_ms", "max_bytes"):
        own = getattr(gate, field) if field in gate.model_fields_set else None
        if field in bounds and own is not None:
            bounds[field] = max(own, bounds[field]) if field.startswith("min_") else min(own, bounds[field])
    for field in ("min_latency_ratio", "min_size_ratio"):
        if field not in gate.model_fields_set:
            bounds.setdefault(field, None)
    return section.with_values(gate=gate.with_values(**bounds))

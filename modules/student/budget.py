"""A student for a stated budget: which layers, heads and neurons stay so that the bundle costs what was asked for.

As in ZipLM (Kurtic, Frantar and Alistarh, 2023, https://arxiv.org/abs/2302.04089) a unit goes by what it adds to the
loss for each millisecond or byte that it takes. For every number of layers, heads and blocks of neurons go until the
budget is kept; of these students the one whose loss on training rows is smallest stays. The costs are a table's, so the
student is then converted and measured, and the search goes on with what the measurement says of the table.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.machine.progress import tell
from modules.network.model import build_model
from modules.network.weights import write_weights
from modules.rows.transformed import Examples, stratified
from modules.student import distillation, structured
from modules.student.bench import Bench
from modules.student.costs import Costs
from modules.student.settings import TOLERANCE, BudgetSettings
from modules.student.stages.values import TrimmedVocabulary
from modules.student.structured import Importance, Plan

import numpy as np

BLOCK = 8  # neurons that go together; see `structured`
_ROUNDS = 4
_ROWS = 256  # that losses are compared on
# What is aimed at, so that noise and fine-tuning leave the student within the budget.
_AIM = 0.985


class BudgetError(ValueError):
    """A budget that no student keeps; the text names what can be had."""


@dataclasses.dataclass(frozen=True)
class Found:
    """A student that keeps a budget.

    Attributes:
        plan: what stays.
        record: for `pruning.json`: what was asked for, what was measured, the range, the losses by number of layers.
    """

    plan: Plan
    record: dict[str, Any]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Found:
        """The inverse of `dataclasses.asdict`, through JSON as well.

        Args:
            values: `plan` and `record`.
        """
        plan = values["plan"]
        units = (tuple(tuple(layer) for layer in plan[name]) for name in ("heads", "neurons"))
        return cls(Plan(tuple(plan["layers"]), *units), dict(values["record"]))


def within(importance: Importance, layers: Sequence[int], costs: Costs, budget: float) -> Plan | None:
    """Removes heads and neurons by loss per cost until a budget is kept.

    Args:
        importance: scores of the whole network; heads and neurons are both the mean change of the loss.
        layers: those that stay, ascending.
        costs: of the network's width.
        budget: in the unit of the costs.

    Returns:
        What stays, at least a head and a block of neurons in each layer; None where even that costs more.
    """
    heads = {layer: list(np.argsort(importance.heads[layer], kind="stable")) for layer in layers}
    neurons = {layer: list(np.argsort(importance.neurons[layer], kind="stable")) for layer in layers}
    queue: list[tuple[float, int, int]] = []

    def offer(layer: int, kind: int) -> None:
        """Puts the least important unit of a kind in line, by what it adds to the loss for what it takes."""
        units, table, step = (heads[layer], costs.attention, 1) if kind == 0 else (neurons[layer], costs.feedforward, 0)
        step = step or len(units) % BLOCK or BLOCK
        if len(units) <= step:
            return
        scores = importance.heads[layer] if kind == 0 else importance.neurons[layer]
        saved = max(float(table[len(units)] - table[len(units) - step]), 1e-12)
        heapq.heappush(queue, (float(scores[units[:step]].sum()) / saved, layer, kind))

    def cost() -> float:
        return costs.of([len(heads[layer]) for layer in layers], [len(neurons[layer]) for layer in layers])

    for layer in layers:
        offer(layer, 0)
        offer(layer, 1)
    while cost() > budget:
        if not queue:
            return None
        _, layer, kind = heapq.heappop(queue)
        units = heads[layer] if kind == 0 else neurons[layer]
        del units[: 1 if kind == 0 else len(units) % BLOCK or BLOCK]
        offer(layer, kind)
    return Plan(
        tuple(layers),
        tuple(tuple(sorted(map(int, heads[layer]))) for layer in layers),
        tuple(tuple(sorted(map(int, neurons[layer]))) for layer in layers),
    )


def candidates(importance: Importance, costs: Costs, budget: float) -> list[Plan]:
    """The students that keep a budget, one for each number of layers that can; the whole network alone if that does.

    Args:
        importance: scores of the whole network.
        costs: of the network's width.
        budget: in the unit of the costs.
    """
    available = len(importance.layers)
    if reach(importance, costs)[1] <= budget:
        whole = within(importance, range(available), costs, budget)
        return [whole] if whole else []
    plans = (
        within(importance, structured.spread_layers(available, count), costs, budget)
        for count in range(1, available + 1)
    )
    return [plan for plan in plans if plan]


def reach(importance: Importance, costs: Costs) -> tuple[float, float]:
    """The least and the most that students of a network cost.

    Args:
        importance: scores of the whole network.
        costs: of its width.
    """
    least = costs.of([1], [min(BLOCK, len(importance.neurons[0]))])
    return least, costs.of([len(x) for x in importance.heads], [len(x) for x in importance.neurons])


def search(trimmed: TrimmedVocabulary, importance: Importance, budget: BudgetSettings) -> Found:
    """Finds the student that costs what was asked for and loses least.

    Args:
        trimmed: what a student is made from.
        importance: scores of the teacher.
        budget: what was asked for.

    Returns:
        The student and how it was found.

    Raises:
        BudgetError: no student keeps the budget; the text says what can be had.
    """
    bench = Bench(trimmed, budget)
    costs, loss = bench.costs(), _losses(trimmed, bench)
    limit = bench.reference_ms() / bench.asked if bench.name == "speedup" else bench.asked
    least, most = reach(importance, costs)
    _check(bench, limit, least, most)
    scale, tried = 1.0, []
    for turn in range(_ROUNDS):
        plans = candidates(importance, costs, limit * _AIM / scale)
        if not plans:
            break
        lost = [loss(plan) for plan in plans]
        plan = plans[int(np.argmin(lost))]
        cost, limit = bench.measured(plan)
        predicted = costs.of([len(x) for x in plan.heads], [len(x) for x in plan.neurons])
        told = {str(len(x.layers)): round(value, 4) for x, value in zip(plans, lost, strict=True)}
        tried.append((cost, limit, plan, told))
        tell(
            f"{bench.name} {_told(bench.shown(cost, limit))} of {_told(bench.asked)}: {len(plan.layers)} layers, "
            f"heads {'/'.join(str(len(x)) for x in plan.heads)}, neurons {'/'.join(str(len(x)) for x in plan.neurons)}",
            step=turn + 1,
            steps=_ROUNDS,
        )
        # The whole network costs less than was asked: nothing has to go. Else it must be near, from either side.
        if cost <= limit * 1.01 and (cost >= limit * (1 - TOLERANCE) or predicted >= most - 1e-9):
            break
        scale = cost / predicted
    kept = [found for found in tried if found[0] <= found[1] * (1 + TOLERANCE)]
    if not kept:
        nearest = min((bench.shown(cost, limit) for cost, limit, *_ in tried), key=lambda x: abs(x - bench.asked))
        raise BudgetError(
            f"pruner.student.target: {bench.name} {_told(bench.asked)} is not kept; the nearest student that was "
            f"converted and measured has {_told(nearest)}. Ask for that, or measure on a quieter machine."
            if tried
            else _range(bench, limit, least, most)
        )
    cost, limit, plan, losses = max(kept, key=lambda found: min(found[0] / found[1], 1.0))
    record = {
        "asked": {bench.name: bench.asked},
        "measured": bench.shown(cost, limit),
        "recipe": budget.recipe,
        "window": bench.window,
        "loss_by_layers": losses,
        "reach": sorted(bench.shown(x, limit) for x in (least, most)),
    }
    return Found(plan, record)


def _check(bench: Bench, limit: float, least: float, most: float) -> None:
    if limit < least * (1 - TOLERANCE):
        raise BudgetError(_range(bench, limit, least, most))
    if limit > most:
        tell(f"pruner.student.target: the whole network has {_told(bench.shown(most, limit))}; nothing has to go")


def _range(bench: Bench, limit: float, least: float, most: float) -> str:
    first, last = sorted(bench.shown(x, limit) for x in (least, most))
    return (
        f"pruner.student.target: {bench.name} {_told(bench.asked)} cannot be reached by layers, heads and neurons "
        f"of this teacher; students from about {_told(first)} to {_told(last)} can be made"
    )


def _losses(trimmed: TrimmedVocabulary, bench: Bench) -> Callable[[Plan], float]:
    """The loss of students on training rows, before they learn."""
    rows: Examples = trimmed.train.take(stratified(trimmed.train.labels, _ROWS, trimmed.settings.seed))
    rows = trimmed.in_own_words(rows)

    def loss(plan: Plan) -> float:
        weights, shape = bench.student(plan)
        model = build_model(shape, dropout=0.0)
        write_weights(model, weights)
        return distillation.mean_loss(model, rows, shape.target)

    return loss


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

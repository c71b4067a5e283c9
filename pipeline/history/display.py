"""How past runs, comparisons and lineages are shown to a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from pipeline.history.history import PastRun
from pipeline.history.paths import relative

_WORDS = {True: "yes", False: "no", None: ""}
# What runs are told apart by, as far as their target has it: the first of them.
_METRICS = {
    "accuracy": "accuracy", "macro_f1": "macro-F1", "micro_f1": "micro-F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²",
}  # fmt: skip
_SHOWN_METRICS = 2


def runs_table(runs: Sequence[PastRun]) -> Table:
    """One row per run."""
    tests = [(run.summary.get("metrics") or {}).get("test") or {} for run in runs]
    there = [name for name in _METRICS if any(name in test for test in tests)]
    shown = there[:_SHOWN_METRICS] or list(_METRICS)[:_SHOWN_METRICS]
    table = _table("run", "started", "profile", "state", "executed", "cached", "blessed",
                   *(f"test {_METRICS[name]}" for name in shown), "pushed")  # fmt: skip
    for run, test in zip(runs, tests, strict=True):
        table.add_row(
            run.run_id, f"{run.started:%Y-%m-%d %H:%M}", run.profile or "", run.state,
            str(run.executed), str(run.cached), _WORDS[run.summary.get("blessed")],
            *(_number(test.get(name)) for name in shown),
            ", ".join(f"{where} {version}" for where, version in sorted(run.pushed.items())),
        )  # fmt: skip
    return table


def show_comparison(found: Mapping[str, Any], console: Console) -> None:
    """Prints what `pipeline.history.comparison.compare` found."""
    one, other = found["one"], found["other"]
    console.print(f"[bold]{other}[/] compared with [bold]{one}[/]\n")
    _config(found["config"], console)
    for split, metrics in found["metrics"].items():
        if metrics:
            console.print(f"\n[bold]Metrics on {split}[/]")
            table = _table("", one, other, "difference", right=True)
            for name, values in metrics.items():
                table.add_row(escape(name), *(_number(values[side]) for side in ("one", "other")), _signed(values))
            console.print(table)
    console.print()
    for line in verdict(found["test"]):
        console.print(line, soft_wrap=True)
    if found["bundle"]:
        console.print("\n[bold]Bundle[/] (scores on eval, on which it was chosen)")
        table = _table("", one, other, "difference", right=True)
        for name, values in found["bundle"].items():
            shown = [_number(values[side]) for side in ("one", "other")]
            table.add_row(name, *shown, _signed(values) if name != "recipe" else "")
        console.print(table)
    _nodes(found, console)


def verdict(test: Mapping[str, Any] | None) -> list[str]:
    """Says in sentences whether the test rows show a difference."""
    if test is None:
        return ["Significance: not tested, since one of the runs kept no predictions of the test split."]
    if "targets_differ" in test:
        return ["Significance: not tested, since the runs do not predict the same."]
    if "labels_differ" in test:
        return ["Significance: not tested, since the runs have different labels."]
    rows = test["rows"]
    lines = []
    left_out = {side: rows[side] - rows["common"] for side in ("one", "other")}
    if any(left_out.values()):
        relabelled = f", {rows['relabelled']} of them since their label changed" if rows["relabelled"] else ""
        lines.append(
            f"The test rows differ: {rows['common']} are in both; {left_out['one']} of the one run and "
            f"{left_out['other']} of the other are left out{relabelled}."
        )
    if not rows["common"]:
        return [*lines, "Significance: not tested, since no test row is in both runs."]
    shares = {"accuracy": "Accuracy", "macro_f1": "Macro-F1"}
    named = {values["title"]: values for values in test.get("scores", {}).values()}
    for shown, values in (named or {shown: test[name] for name, shown in shares.items()}).items():
        said = "more than chance explains" if values["significant"] else "no more than chance explains"
        lines.append(
            f"{shown} on the {rows['common']} common test rows: {values['one']:.4f} → {values['other']:.4f}, "
            f"{values['difference']:+.4f} [{values['low']:+.4f}, {values['high']:+.4f}], {said}."
        )
    if named:
        return lines
    split = test["mcnemar"]
    lines.append(
        f"Right only before: {split['only_one']} rows, right only now: {split['only_other']} "
        f"(exact McNemar test: p = {split['p']:.3g}); the same answer to {test['agreement']:.1%}."
    )
    return lines


def show_lineage(found: Mapping[str, Any], console: Console) -> None:
    """Prints what `pipeline.history.lineage.trace` found, as a tree."""
    gone = "" if found["there"] else " [yellow](the folder is gone)[/]"
    console.print(f"[bold]{found['kind']} {found['version']}[/]  {escape(relative(found['path']))}{gone}")
    digest = (found["run"]["config_digest"] or "unknown")[:16]
    console.print(f"pushed by run {found['run']['id']}, profile {found['run']['profile']}, configuration {digest}\n")
    tree = Tree(_artifact_line("pushed_model", found["artifact"]), highlight=False)
    _grow(tree, found["artifact"])
    console.print(tree, soft_wrap=True)
    for rows in found["rows"]:
        patterns = ", ".join(split["pattern"] for split in json.loads(rows.get("input_config", "{}")).get("splits", []))
        place = f"{relative(rows['input_base'])}/{patterns}" if "input_base" in rows else patterns
        console.print(f"\nRows      {escape(place)}, span {rows.get('span', 0)}", soft_wrap=True)
        console.print(f"          {escape(rows['input_fingerprint'])}", soft_wrap=True)


def _grow(tree: Tree, artifact: Mapping[str, Any]) -> None:
    made_by = artifact.get("made_by")
    if not made_by:
        return
    digest = (made_by["config_digest"] or "unknown")[:16]
    branch = tree.add(
        f"[bold]{made_by['node']}[/]  run {made_by['run_id']}, {made_by['began']}, {made_by['seconds']:.1f} s, "
        f"configuration {digest}"
    )
    for item in made_by["inputs"]:
        _grow(branch.add(_artifact_line(item["key"], item["artifact"])), item["artifact"])


def _artifact_line(key: str, artifact: Mapping[str, Any]) -> str:
    if "again" in artifact:
        return f"{key}: {artifact['type']} #{artifact['id']} [dim](told above)[/]"
    told = ", ".join(f"{name} {value}" for name, value in artifact["told"].items() if name != "pushed_destination")
    return f"{key}: {artifact['type']} #{artifact['id']}  [dim]{escape(relative(artifact['uri']))}[/]  {escape(told)}"


def _config(differences: Sequence[Mapping[str, Any]], console: Console) -> None:
    console.print("[bold]Configuration[/]")
    if not differences:
        console.print("the same")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for item in differences:
        table.add_row(escape(item["field"]), escape(_value(item["one"])), "→", escape(_value(item["other"])))
    console.print(table)


def _nodes(found: Mapping[str, Any], console: Console) -> None:
    console.print("\n[bold]Nodes[/] (seconds)")
    table = _table("", found["one"], found["other"], right=True)
    for node, sides in found["nodes"].items():
        table.add_row(node, *(_time(sides[side]) for side in ("one", "other")))
    table.add_row("whole run", *(f"{found['seconds'][side]:.1f}" for side in ("one", "other")))
    console.print(table)


def _time(node: Mapping[str, Any]) -> str:
    if node["state"] is None:
        return "–"
    return f"{node['seconds']:.1f}" if node["state"] == "executed" else node["state"]


def _table(*headings: str, right: bool = False) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if right and number else "left", no_wrap=not number)
    return table


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if abs(value) >= 10 else f"{value:.3f}"


def _signed(values: Mapping[str, Any]) -> str:
    difference = values["difference"]
    if difference is None:
        return ""
    return f"{difference:+,}" if isinstance(difference, int) else f"{difference:+.4f}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

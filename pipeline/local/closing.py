"""The closing summary of a run, for a person: quality against baseline and bounds, where the model lies, what next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modules.device.gate import nearest
from modules.device.settings import Gate
from modules.quality import against_baseline
from modules.quality.slice_names import shown_name
from modules.tflite import main_score

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.history.paths import relative

SPLITS = ("test", "eval")
REFERENCE = "reference"  # among the variants, the blessed model itself
_SHORT = {"accuracy": "acc", "macro_f1": "F1"}
_LEGEND = {"accuracy": "acc: accuracy", "macro_f1": "F1: macro-F1", "pr_auc": "pr_auc: area under precision and recall"}
_MOST_METRICS = 3  # where nothing says which ones a person looks at


def show(summary: Mapping[str, Any], console: Console, *, run_dir: str) -> None:
    """Prints what `summary.json` says.

    Args:
        summary: its content.
        console: where to.
        run_dir: the run's folder.
    """
    metrics = summary["metrics"]
    if metrics["eval"] or metrics["test"]:
        console.print()
        console.print(_quality(summary))
        told = [_LEGEND[name] for name in _shown(summary) if name in _LEGEND]
        if summary["baseline"]:
            told.append(f"base: {_linear_model(summary['baseline'])} on the same rows")
        if told:
            console.print(f"[dim]{' · '.join(told)}[/]")
    console.print()
    _changes(summary, console)
    _rows(summary, console)
    _looked_for(summary, console)
    _verdict(summary, console)
    _edge(summary, console)
    _tuning(summary, console)
    for node, note in summary.get("made_again", {}).items():  # an older summary has none
        console.print(f"Repaired  {node}, {note}", soft_wrap=True, markup=False)
    seconds = summary["seconds"]
    executed = sum(state == "executed" for state in summary["states"].values())
    console.print(
        f"Time      {_duration(seconds['total'])}, imports {seconds['imports']:.0f} s of it · "
        f"{executed} nodes executed, {summary['cache_hits']} from the cache",
        soft_wrap=True,
    )
    console.print(f"Summary   {run_dir}/summary.json", soft_wrap=True, markup=False)
    if "report" in summary:  # an older summary has none
        report = summary["report"]
        shown = relative(report) if report else f"could not be made; {run_dir}/run.log says why"
        console.print(f"Report    {shown}", soft_wrap=True, markup=False)


def how_to_go_on(console: Console) -> None:
    """Prints how to get from the data that comes with the project to one's own."""
    console.print(
        "Your data ./edgeline data profile my.csv  (what is in it, and a task of its own for it; the README says more)",
        soft_wrap=True,
        markup=False,
    )


def _rows(summary: Mapping[str, Any], console: Console) -> None:
    cleaning = summary.get("data_cleaning")
    if cleaning and cleaning["quarantined"]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in cleaning["quarantined"].items())
        kept = f"{cleaning['kept']} of {cleaning['rows']}"
        console.print(
            f"Rows      {kept}; quarantined: {reasons} ({relative(cleaning['file'])})",
            soft_wrap=True,
            markup=False,
        )
    if problem := (summary.get("language") or {}).get("problem"):
        console.print(Text.assemble(("Language", "yellow"), f"  {problem}"), soft_wrap=True)
    if varied := summary.get("augmentation"):  # an older summary has none
        console.print(f"Varied    {varied['message']}", soft_wrap=True, markup=False)


def _quality(summary: Mapping[str, Any]) -> Table:
    """Rows: overall and every slice; columns: model and baseline on test and eval, and the floor that was set."""
    metrics, baseline = summary["metrics"], (summary["baseline"] or {}).get("splits", {})
    shown = _shown(summary)
    table = Table(title=f"{summary['task']}, run {summary['run_id']}", title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")  # a long name takes two lines before a number is cut
    table.add_column("rows", justify="right", no_wrap=True)
    for split in SPLITS:
        for metric in shown:
            table.add_column(f"{split}\n{_SHORT.get(metric, metric)}", justify="right", no_wrap=True)
            table.add_column("\nbase", justify="right", style="dim", no_wrap=True)
    slices = sorted({name for split in SPLITS for name in (metrics[split] or {}).get("slices", {})})
    for name in ("", *slices):
        cells = []
        for split in SPLITS:
            ours, theirs = _at(metrics[split], name), _at(baseline.get(split), name)
            for metric in shown:
                cells += [_number(ours.get(metric)), _number(theirs.get(metric))]
        rows = _at(metrics["test"], name).get("rows")
        table.add_row(Text(shown_name(name) or "overall"), str(rows or ""), *cells)
    return table


def _shown(summary: Mapping[str, Any]) -> list[str]:
    """The metrics of the table: those that the baseline is judged by, or that the gate bounds, or the first ones."""
    metrics = summary["metrics"]
    splits = (summary["baseline"] or {}).get("splits", {}).values()
    judged = [name for scores in splits for name in scores if name not in ("rows", "slices")]
    measured = [name for split in SPLITS for name in metrics[split] or {} if name not in ("rows", "slices")]
    known = [name for name in _SHORT if name in measured]
    asked = [name for name in (summary.get("looked_for") or {}).get("metrics", []) if name in measured]
    names = asked or judged or known or list(summary["thresholds"]) or measured[:_MOST_METRICS]
    return list(dict.fromkeys(names))


def _linear_model(baseline: Mapping[str, Any]) -> str:
    """Its name without the details: `TF-IDF + logistic regression`."""
    return re.sub(r" \(.*?\)|, scikit-learn", "", baseline.get("model", "a linear model"))


def _at(scores: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    scores = scores or {}
    return scores.get("slices", {}).get(name, {}) if name else scores


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bounds(summary: Mapping[str, Any]) -> str:
    parts = []
    for metric, bound in summary["thresholds"].items():
        lower = metric in summary.get("lower_is_better", ())  # an older summary has none
        for key, sign in (("min", "≥"), ("max", "≤"), ("slice_min", f"on every slice {'≤' if lower else '≥'}")):
            parts += [f"{metric} {sign} {bound[key]:g}"] if bound[key] is not None else []
        if bound["max_drop"] is not None:
            parts.append(
                f"{metric} at most {bound['max_drop']:g} {'above' if lower else 'below'} the latest blessed model"
            )
    return ", ".join(parts)


def _changes(summary: Mapping[str, Any], console: Console) -> None:
    """What differs more than it should from the span before, or from what is served."""
    for item in summary.get("drift") or []:
        if item["breached"]:
            bound = "" if item["bound"] is None else f", at most {item['bound']:g} was asked for"
            what = f"{item['feature']}: {item['measure']} {item['distance']:.3f}{bound}"
            console.print(Text.assemble((f"{item['kind'].title():<9}", "yellow"), f" {what}"), soft_wrap=True)


def _looked_for(summary: Mapping[str, Any], console: Console) -> None:
    """How well the label is found that is looked for, and what decides for it."""
    found = summary.get("looked_for")  # an older summary has none
    split = next((split for split in SPLITS if (summary["metrics"][split] or {}).get("pr_auc") is not None), None)
    if not found or split is None:
        return
    label, ours = found["label"], summary["metrics"][split]
    theirs = _at((summary["baseline"] or {}).get("splits", {}).get(split), "")
    told = []
    for name, shown in (
        ("pr_auc", "PR-AUC"),
        ("recall_at_precision", f"recall at a precision of {found['min_precision']:g} or more"),
        ("balanced_accuracy", "balanced accuracy"),
    ):
        base = f" (base {theirs[name]:.3f})" if name in theirs else ""
        told += [f"{shown} {ours[name]:.3f}{base}"] if name in ours else []
    answered = [
        f"{kind} {ours[f'{kind}_{label}']:.3f}" for kind in ("precision", "recall") if f"{kind}_{label}" in ours
    ]
    decision = (summary["training"] or {}).get("decision")
    where = f", answered from a probability of {decision['threshold']:.3g} on" if decision else ""
    if answered:
        told.append(f"as it answers: {', '.join(answered)}{where}")
    console.print(f"Label     {label} on {split}: {'; '.join(told)}", soft_wrap=True, markup=False)


def _verdict(summary: Mapping[str, Any], console: Console) -> None:
    blessed, pushed = summary["blessed"], summary["pushed"]["server"]
    if blessed:
        console.print("[green]Blessed[/]   every bound on eval was met: " + _bounds(summary), soft_wrap=True)
    elif blessed is not None:
        console.print("[yellow]Not blessed[/], so nothing was pushed:")
        for missed in summary["not_blessed_because"]:
            console.print(f"          {missed['message']}", soft_wrap=True, markup=False)
    if summary.get("shared_labels"):
        console.print(f"Compared  {summary['shared_labels']['told']}", soft_wrap=True, markup=False)
    served = summary.get("beats_served")
    if served and not served["missed"]:
        console.print(f"Served    on eval {against_baseline.told(served)}", soft_wrap=True, markup=False)
    linear = (summary.get("beats_baseline") or {}).get("eval")
    if linear and not linear["missed"]:
        shown = "" if linear["verdict"] == against_baseline.BETTER else "; that is within noise, and no proof"
        console.print(f"Baseline  on eval {against_baseline.told(linear)}{shown}", soft_wrap=True, markup=False)
    for number, line in enumerate(summary.get("try") or []):
        console.print(f"{'To try' if not number else '':<10}{line}", soft_wrap=True, markup=False)
    if pushed:
        console.print(
            f"Server    {relative(pushed['path'])} (SavedModel, version {pushed['version']})",
            soft_wrap=True,
            markup=False,
        )


def _edge(summary: Mapping[str, Any], console: Console) -> None:
    """What ships to devices, or why nothing does."""
    edge, pushed = summary["edge"], summary["pushed"]["edge"]
    if not edge:
        return
    selected = edge.get("selected")
    if selected:
        values = edge["variants"][selected]
        on_test = edge["test"]["selected"]
        score = main_score.of(edge)
        told = (
            f"    {selected}: {values['bytes'] / 1e6:.2f} MB, {values['size_ratio']:.1f}x smaller, "
            f"{values['latency_ratio']:.1f}x faster than the blessed model in float32, "
            f"{score.title} {on_test[score.name]:.3f} on test ({score.change(on_test[score.drop])})"
        )
        console.print(Text.assemble(("Bundle", "green"), told), soft_wrap=True)
    elif edge.get("skipped"):
        console.print(f"Bundle    none: {edge['skipped']}", soft_wrap=True, markup=False)
    else:
        console.print("[yellow]No bundle[/] passed the edge gate, so none was pushed:")
        tried = {name: values for name, values in edge["variants"].items() if name != REFERENCE}
        for name, values in tried.items():
            why = "; ".join(values.get("missed", [])) or values.get("error", "")
            console.print(f"          {name}: {why}", soft_wrap=True, markup=False)
        _would_have_shipped(tried, edge, console)
    student = edge.get("student") or {}
    if student.get("message"):
        console.print(Text.assemble(("Student", "yellow"), f"   {student['message']}"), soft_wrap=True)
    if pushed:
        bundle = f"{relative(pushed['path'])}/model.tflite"
        console.print(f"Edge      {bundle} (version {pushed['version']})", soft_wrap=True, markup=False)


def _would_have_shipped(variants: Mapping[str, Mapping[str, Any]], edge: Mapping[str, Any], console: Console) -> None:
    """The variant that came nearest, and what to type for it if its numbers will do."""
    found = nearest(variants, Gate.model_validate(edge["gate"])) if "gate" in edge else None
    if found:
        name, needs = found
        options = " ".join(f"--set edge_evaluator.gate.{field}={value:g}" for field, value in needs.items())
        console.print(f"          {name} ships with {options}", soft_wrap=True, markup=False)


def _tuning(summary: Mapping[str, Any], console: Console) -> None:
    trials, training, reused = summary["tuner_trials"], summary["training"] or {}, summary.get("reused")
    if reused is not None:
        told = (
            f"took {_values(reused)} of an earlier search"
            if reused
            else "no earlier search was found: trainer's own values"
        )
        console.print(f"Tuning    {told}", soft_wrap=True, markup=False)
    if not trials:
        return
    settings = training.get("settings", {})
    best = _values({name: settings[name] for name in trials[0] if name in settings})
    took = f", took {best}" if best else "; nothing was trained with the best of them"
    small = " (the quick profile searches for real, but little)" if summary["profile"] == "quick" else ""
    console.print(f"Tuning    {len(trials)} trials{took}{small}", soft_wrap=True, markup=False)


def _values(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in found.items())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

"""Plots of one label's answers: the confusion matrix, calibration, precision against recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.quality.scores import of_confusion
from modules.report.plots import theme
from modules.report.plots.plot import Plot, Table, percent

import numpy as np
import plotly.graph_objects as go

_FEW_LABELS = 8
_MATRIX_LABELS = 20  # of more labels the matrix shows those that are confused
_PAIRS = 20  # in a plot of the worst
_RECALLS = (0.25, 0.5, 0.75, 0.9)  # in the table of a curve
_OTHERS = "(others)"


def label_plots(quality: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    """Confusion, calibration, and of few labels precision and recall, on test; of many the worst pairs and labels.

    Args:
        quality: the section `quality` of the facts, with what `modules.targets.one_label.scoring` gave.
        labels: label names in id order.
    """
    tested = quality["splits"]["test"]
    if not tested.get("confusion"):
        return []
    table, found = np.array(tested["confusion"]), [_calibration(tested["calibration"])]
    ranking = tested.get("ranking") or {}
    if ranking.get("curves"):
        found.append(_precision_recall(ranking, table, labels))
    if len(labels) <= _MATRIX_LABELS:
        return [_confusion(table, labels), *found]
    return [_most_confused(table, labels), _pairs(table, labels), _by_label(table, labels), *found]


def _precision_recall(ranking: Mapping[str, Any], table: np.ndarray, labels: list[str]) -> Plot:
    """Precision against recall over all thresholds, and where the model's own answers lie."""
    figure = go.Figure(layout=theme.layout(height=360, x="recall", y="precision"))
    answered = of_confusion(table)
    rows = []
    for label, curve in ranking["curves"].items():
        of = labels.index(label)
        figure.add_scatter(
            x=curve["recall"], y=curve["precision"], name=label, mode="lines",
            hovertemplate=f"{label}: recall %{{x:.1%}}, precision %{{y:.1%}}<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[float(answered["recall"][of])], y=[float(answered["precision"][of])], name=f"{label}, as answered",
            mode="markers", marker={"size": 11, "symbol": "diamond"},
            hovertemplate=f"{label} as answered: recall %{{x:.1%}}, precision %{{y:.1%}}<extra></extra>",
        )  # fmt: skip
        recall, precision = np.array(curve["recall"]), np.array(curve["precision"])
        best = [float(precision[recall >= asked - 1e-9].max(initial=0)) for asked in _RECALLS]
        rows.append([label, percent(curve["share"]), *map(percent, best)])
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.01], tickformat=".0%")
    area, asked = ranking["pr_auc"], ranking["recall_at_precision"]
    of_what = f"of {ranking['label']}" if ranking["label"] else "mean over the labels"
    ends = f" [{area['low']:.3f}, {area['high']:.3f}]" if "low" in area else ""
    alt = (
        f"Area under the curve, {of_what}: {area['value']:.3f}{ends}; recall at a precision of "
        f"{percent(ranking['min_precision'])} or more {percent(asked['value'])}."
    )
    columns = ["label", "share of rows", *(f"precision at recall {percent(recall)}" for recall in _RECALLS)]
    return Plot("precision-recall", "Precision and recall, on test", alt, figure, Table(columns, rows))


def _confusion(table: np.ndarray, labels: list[str]) -> Plot:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    alt = "Share recognised: " + ", ".join(
        f"{label} {percent(value)}" for label, value in zip(labels, np.diagonal(shares), strict=True)
    )
    return _matrix("Confusion matrix, on test", alt, table, shares, labels, labels)


def _most_confused(table: np.ndarray, labels: list[str]) -> Plot:
    """The labels of the pairs that are confused most, and a column for all others: the rest is empty."""
    chosen: list[int] = []
    for true, predicted, _ in _confused(table):
        chosen += [label for label in (true, predicted) if label not in chosen]
        if len(chosen) >= _MATRIX_LABELS:
            break
    chosen = chosen[:_MATRIX_LABELS] or np.argsort(-table.sum(axis=1), kind="stable")[:_MATRIX_LABELS].tolist()
    total = table.sum(axis=1, keepdims=True)[chosen]
    part = table[np.ix_(chosen, chosen)]
    part = np.hstack([part, total - part.sum(axis=1, keepdims=True)])
    names = [labels[label] for label in chosen]
    return _matrix(
        f"Confusion matrix, on test: the {len(names)} of {len(labels)} labels that are confused most",
        "Rows are true labels, columns predicted ones, the worst pairs first",
        part, part / np.maximum(total, 1), names, [*names, _OTHERS],
    )  # fmt: skip


def _matrix(title: str, alt: str, table: np.ndarray, shares: np.ndarray, true: list[str], predicted: list[str]) -> Plot:
    few = len(true) <= _FEW_LABELS
    figure = go.Figure(layout=theme.layout(height=130 + (60 if few else 26) * len(true), x="predicted", y="true"))
    figure.add_heatmap(
        z=shares.tolist(), x=predicted, y=true, text=[[f"{cell:,}" for cell in row] for row in table], zmin=0, zmax=1,
        autocolorscale=True, showscale=False, xgap=2, ygap=2,
        texttemplate="%{z:.1%}<br>%{text}" if few else "%{text}",
        hovertemplate="%{y} taken for %{x}: %{text} rows, %{z:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category", side="top")
    rows = [[label, *(int(cell) for cell in row)] for label, row in zip(true, table, strict=True)]
    return Plot("confusion", title, f"{alt}.", figure, Table(["true \\ predicted", *predicted], rows))


def _confused(table: np.ndarray) -> list[tuple[int, int, int]]:
    """True label, predicted label and rows of each pair that was confused, the most frequent first."""
    wrong = table - np.diag(np.diagonal(table))
    order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    places = (divmod(int(place), len(table)) for place in order)
    return [(true, predicted, int(wrong[true, predicted])) for true, predicted in places]


def _pairs(table: np.ndarray, labels: list[str]) -> Plot:
    found, total = _confused(table)[:_PAIRS], table.sum(axis=1)
    names = [f"{labels[true]} → {labels[predicted]}" for true, predicted, _ in found]
    counts = [count for *_, count in found]
    shares = [count / max(int(total[true]), 1) for true, _, count in found]
    figure = go.Figure(layout=theme.layout(height=110 + 24 * max(len(found), 1), x="rows", y=""))
    figure.add_bar(
        x=counts, y=names, orientation="h", customdata=shares,
        hovertemplate="%{y}: %{x} rows, %{customdata:.1%} of the true label's<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    rows = [
        [labels[true], labels[predicted], count, percent(part)]
        for (true, predicted, count), part in zip(found, shares, strict=True)
    ]
    alt = f"{names[0]} is confused most, in {counts[0]} rows." if found else "No row was answered wrong."
    columns = ["true", "taken for", "rows", "of the true label's"]
    return Plot("confused-pairs", "What is taken for what most often, on test", alt, figure, Table(columns, rows))


def _by_label(table: np.ndarray, labels: list[str]) -> Plot:
    """Every label in the table, the worst of them in the plot."""
    found = of_confusion(table)
    total = table.sum(axis=1)
    order = sorted(range(len(labels)), key=lambda label: (not total[label], found["f1"][label], labels[label]))
    worst = [label for label in order if total[label]][:_PAIRS]
    figure = go.Figure(layout=theme.layout(height=130 + 30 * max(len(worst), 1), x="share", y=""))
    for name in ("recall", "precision"):
        figure.add_bar(
            x=[float(found[name][label]) for label in worst], y=[labels[label] for label in worst], name=name,
            orientation="h", hovertemplate=f"%{{y}}: {name} %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    rows = [
        [
            labels[label],
            int(total[label]),
            *(percent(float(found[name][label])) for name in ("recall", "precision", "f1")),
        ]
        for label in order
    ]
    shown = ", ".join(f"{labels[label]} {percent(float(found['f1'][label]))}" for label in worst[:3])
    return Plot(
        "by-label", f"The {len(worst)} labels with the lowest F1 of {len(labels)}, on test", f"Lowest F1: {shown}.",
        figure, Table(["label", "rows", "recall", "precision", "F1"], rows),
    )  # fmt: skip


def _calibration(calibration: Mapping[str, Any]) -> Plot:
    bins = calibration["bins"]
    figure = go.Figure(layout=theme.layout(height=320, x="confidence", y="share that is right"))
    figure.add_scatter(
        x=[item["confidence"] for item in bins], y=[item["accuracy"] for item in bins], name="this model",
        mode="lines+markers", marker={"size": 9}, customdata=[item["rows"] for item in bins],
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.2,
            "array": [item["high"] - item["accuracy"] for item in bins],
            "arrayminus": [item["accuracy"] - item["low"] for item in bins],
        },
        hovertemplate="confidence %{x:.2f}: %{y:.1%} of %{customdata} rows right<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"dash": "dash", "color": theme.GREY}, hoverinfo="skip"
    )
    low = min([item["confidence"] for item in bins] + [item["low"] for item in bins])
    figure.update_xaxes(range=[min(item["confidence"] for item in bins) - 0.03, 1.01], tickformat=".0%")
    figure.update_yaxes(range=[max(0.0, low - 0.03), 1.01], tickformat=".0%")
    rows = [
        [percent(item["confidence"]), percent(item["accuracy"]), f"{percent(item['low'])} – {percent(item['high'])}",
         item["rows"]]
        for item in bins
    ]  # fmt: skip
    return Plot(
        "calibration", "Calibration, on test",
        f"Confidence against the share that is right; expected calibration error {calibration['error']:.4f}.",
        figure, Table(["mean confidence", "right", "95 % interval", "rows"], rows),
    )  # fmt: skip

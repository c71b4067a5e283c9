"""A drafted configuration as text, with the reason beside each value."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.profiling import long_texts, shipping, training
from pipeline.profiling.answers import draft as answers
from pipeline.profiling.answers.draft import comment, quoted
from pipeline.profiling.answers.kinds import NUMBER, ONE_LABEL
from pipeline.profiling.sections import card, encoders, few_rows, inputs
from pipeline.profiling.shipping import Shape

_QUICK_ROWS = 8_000  # of the train split, in the quick profile
_QUICK_WINDOW = 128  # in the quick profile, at most
_WINDOWS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
# The teachers of both profiles, and what their students keep of the feed-forward neurons.
_TEACHERS = {
    encoders.MINILM: {"quick": Shape(30_522, 3, 384, 1536), "full": Shape(30_522, 6, 384, 1536)},
    encoders.MULTILINGUAL: {"quick": Shape(0, 4, 384, 1536), "full": Shape(0, 8, 384, 1536)},
    encoders.SCRATCH: {"quick": Shape(0, 2, 128, 512), "full": Shape(0, 4, 256, 1024)},
}
# Which layers of a pretrained encoder they are.
_LAYERS = {
    encoders.MINILM: {"quick": [0, 2, 5], "full": [0, 1, 2, 3, 4, 5]},
    encoders.MULTILINGUAL: {"quick": [0, 1, 2, 3], "full": [0, 1, 2, 3, 4, 5, 6, 7]},
}
# Why they are so many.
_FEWER = {
    encoders.MINILM: "three of six are quick",
    encoders.MULTILINGUAL: "the first four of twelve: quick, and better than four that are spread",
}
_NEURONS = {"quick": 0.5, "full": 0.417}
_RECIPES = {
    "quick": "[float32, dynamic_wi8_afp32, dynamic_wi8_afp32_e4, dynamic_wi48_afp32_e4, dynamic_wi4_afp32]",
    "full": "[float32, dynamic_wi8_afp32, dynamic_wi8_afp32_e4, dynamic_wi48_afp32_e4, dynamic_wi4_afp32,\n"
    "                dynamic_wi4_afp32_e4r2]",
}
_BESIDE = 0.7  # of how many times smaller a bundle must be, where what the other inputs weigh is not reckoned
_DROP = {"quick": 0.02, "full": 0.01}
_AGREEMENT = {"quick": 0.95, "full": 0.98}
_LATENCY = {"quick": 1.5, "full": 2}  # on any machine; the larger teacher leaves more to win


def text(profile: Mapping[str, Any], task: str, schema_path: Path, vocabulary_path: Path) -> str:
    """The configuration.

    Args:
        profile: as `pipeline.profiling.profile.profile` gives it; it has a text and a label.
        task: the task's name.
        schema_path: what the configuration calls the schema.
        vocabulary_path: likewise the vocabulary, if the profile has one.
    """
    roles, labels, kind = profile["roles"], profile["labels"], profile["target"]["kind"]
    rows, file = profile["answered"], Path(profile["file"]).name
    passes = _epochs(profile, rows * _share(profile, "train"))
    lines = [
        f"# A draft from {comment(file)}: {profile['rows']} rows. Read it before you rely on it.",
        *(f"# - {comment(note)}" for note in profile["notes"]),
        f"task: {task}",
        *answers.section(profile),
        f"schema_path: {quoted(str(schema_path))}",
        "",
        "data:",
        f"  path: {quoted(profile['file'])}",
        *_source(profile),
        "  columns:",
        *([] if profile["inputs"] else [_text_column(profile, "    text")]),
        *answers.column(profile),
        f"    slices: [{', '.join(quoted(item['column']) for item in roles['slices'])}]  # results for each value",
        *([few_rows.splits()] if _few(profile) else []),
        *_cleaning(profile),
        "",
        *_inputs(profile, vocabulary_path),
        "trainer:",
        *(["  learning_rate: 5.0e-4  # random weights have further to go"]
          if profile["backbone"] == encoders.SCRATCH else []),
        *(["  class_weights: balanced  # rare labels would be given up, since they hardly count in the loss"]
          if kind == ONE_LABEL and training.unbalanced(labels) else []),
        *(few_rows.trainer(labels) if _few(profile) else
          [f"  epochs: {passes}  # at most, enough for {rows:,} rows" + (f", {len(labels)} labels" if labels else ""),
           *training.patience_lines(passes)]),
        "",
        *answers.evaluator(profile),
        *card.lines(profile),
        "profiles:",
        *_profile(profile, "quick", rows),
        *_profile(profile, "full", rows),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def window(tokens: float) -> int:
    """The window that holds so many tokens."""
    return next((size for size in _WINDOWS if size >= tokens), _WINDOWS[-1])


def _text_column(profile: Mapping[str, Any], field: str) -> str:
    found = profile["roles"]["text"]
    return f"{field}: {quoted(found['column'])}  # {comment(found['reason'])}"


def _inputs(profile: Mapping[str, Any], vocabulary_path: Path) -> list[str]:
    """One text in the short form; beside other inputs all that is said of it stands in its section."""
    of_text, backbone = _preprocessing(profile["text"]), _backbone(profile, vocabulary_path)
    if not profile["inputs"]:
        return [*of_text, *backbone]
    return [
        "inputs:",
        "  text:",
        "    kind: text",
        _text_column(profile, "    column"),
        *(f"  {line}" for line in of_text[1:] if line),
        *(f"    {line}" for line in backbone if line),
        *inputs.lines(profile["inputs"]),
        "",
    ]


def _of_text(profile: Mapping[str, Any], section: str, value: str) -> str:
    """A line of a profile that replaces a section of the text."""
    if not profile["inputs"]:
        return f"    {section}: {value}"
    inner = value if section == "preprocessing" else f"{{{section}: {value}}}"
    return f"    inputs: {{text: {inner}}}"


def _source(profile: Mapping[str, Any]) -> list[str]:
    source = [
        f"{name}: {quoted(profile[name])}"
        for name, usual in (("delimiter", (",", None)), ("encoding", ("utf-8", "utf-8-sig", "auto")))
        if profile[name] not in usual
    ]
    if profile["named"]:
        source.append(f"columns: [{', '.join(map(quoted, profile['named']))}]")
    return [f"  source: {{{', '.join(source)}}}"] if source else []


def _cleaning(profile: Mapping[str, Any]) -> list[str]:
    """Room for the rows that are known to be kept back: duplicates and rare labels of a file are no accident."""
    rows = max(profile["rows"], 1)
    one = profile["target"]["kind"] == ONE_LABEL
    labelled = profile["answered"] + (sum(profile["rare_labels"].values()) if one else 0)
    lost = profile["malformed"]["rows"] + sum(profile["rare_labels"].values()) + profile["text"]["duplicates"]
    lost += max(0, rows - profile["malformed"]["rows"] - labelled)
    share = lost / rows
    bound = min(0.95, math.ceil(20 * (share + 0.05)) / 20)
    lines = (
        [f"    max_quarantined: {bound:g}  # about {share:.0%} of the rows will be kept back"] if share > 0.15 else []
    )
    if profile["target"]["kind"] == NUMBER:
        lines.append("    conflicting_labels: keep  # two numbers of one text are no contradiction")
    return ["  cleaning:", *lines] if lines else []


def _preprocessing(found: Mapping[str, Any]) -> list[str]:
    tokens, size = found["tokens"], window(found["tokens"]["p99"])
    about = "" if found["counted"] else "about "
    if tokens["p99"] <= size:
        why = f"99 % of the texts have at most {about}{tokens['p99']} tokens"
    else:
        why = f"the most; 99 % of the texts have at most {about}{tokens['p99']} tokens, half at most {tokens['p50']}"
    more = [f"  {line}" for line in long_texts.lines(tokens, size)]
    return ["preprocessing:", f"  sequence_length: {size}  # {why}", *more, ""]


def _backbone(profile: Mapping[str, Any], vocabulary_path: Path) -> list[str]:
    kind, few = profile["backbone"], _few(profile)
    if kind == encoders.SCRATCH:
        return [
            "backbone:  # of random weights, letter by letter: no pretrained vocabulary here fits these texts",
            "  kind: scratch",
            f"  vocabulary: {quoted(str(vocabulary_path))}",
            *_scratch_shape("quick", "  "),
            "",
        ]
    pieces = [
        f"  vocabulary: {quoted(str(vocabulary_path))}  # the pieces that these texts need, of 250,001",
    ]
    return [
        "backbone:",
        f"  kind: {kind}",
        *(pieces if kind == encoders.MULTILINGUAL else []),
        f"  layers: {_LAYERS[kind]['full' if few else 'quick']}  # "
        + ("what they know, few rows cannot teach" if few else _FEWER[kind]),
        "",
    ]


def _scratch_shape(name: str, indent: str) -> list[str]:
    shape = _TEACHERS[encoders.SCRATCH][name]
    return [
        f"{indent}num_layers: {shape.layers}",
        f"{indent}num_heads: {shape.hidden // 64}",
        f"{indent}hidden_dim: {shape.hidden}",
        f"{indent}intermediate_dim: {shape.intermediate}",
    ]


def _few(profile: Mapping[str, Any]) -> bool:
    # Of other kinds, and of several inputs, no head can be fitted.
    one_label = profile["target"]["kind"] == ONE_LABEL and not profile["inputs"]
    return one_label and few_rows.are(profile["labels"], profile["backbone"])


def _share(profile: Mapping[str, Any], split: str) -> float:
    return few_rows.share(split, few=_few(profile))


def _epochs(profile: Mapping[str, Any], train_rows: float) -> int:
    share = 4.0 if profile["backbone"] == encoders.SCRATCH else 1.0
    return training.epochs(round(train_rows), max(len(profile["labels"]), 1), share=share)


def _profile(profile: Mapping[str, Any], name: str, rows: int) -> list[str]:
    """One profile: teacher, length of training, student, recipes, and a gate that these can pass."""
    counts, scratch = profile["labels"], profile["backbone"] == encoders.SCRATCH
    labels = max(len(counts), 1)
    train_rows, few = rows * _share(profile, "train"), _few(profile)
    used = min(train_rows, _QUICK_ROWS if name == "quick" else rows)
    size = "full" if few else name  # of few rows, the large networks are quick as well
    teacher = _teacher(profile, size)
    lines = [f"  {name}:  # {'minutes' if name == 'quick' else 'as one would for a release'}"]
    if name == "quick":
        lines.append(f"    data: {{train_fraction: {min(1.0, round(used / train_rows, 3)):g}}}")
        if not few and _epochs(profile, used) != _epochs(profile, train_rows):
            lines.append(f"    trainer: {{epochs: {_epochs(profile, used)}}}")
        if shorter := long_texts.quick(profile["text"]["tokens"], _QUICK_WINDOW):
            section, _, why = shorter.partition("  #")
            lines.append(f"{_of_text(profile, 'preprocessing', section)}  #{why}")
    elif scratch:
        shape = ", ".join(line.strip() for line in _scratch_shape(name, ""))
        lines.append(_of_text(profile, "backbone", f"{{{shape}}}"))
    elif not few:
        lines.append(_of_text(profile, "backbone", f"{{layers: {_LAYERS[profile['backbone']][name]}}}"))
    student = _student(profile, teacher, size, rows)
    expected, bound = shipping.size_bound(teacher, student, labels)
    eval_rows = round(rows * _share(profile, "eval"))
    if profile["inputs"]:
        bound = round(_BESIDE * bound, 1)
    drop, agreement = _DROP[name], _AGREEMENT[name] - training.own_thresholds(counts)
    passes = max(3 if name == "quick" else 6, training.epochs(round(used), labels, share=0.7))
    return [
        *lines,
        "    pruner:",
        f"      student: {_student_section(size, teacher, scratch=scratch)}",
        "      pruning: {sparsity: 0.3}",
        *(few_rows.pruner(profile["labels"]) if few else [f"      epochs: {passes}"]),
        "    converter:",
        f"      recipes: {_RECIPES[size]}",
        *_windows(profile["text"], _QUICK_WINDOW if name == "quick" else _WINDOWS[-1]),
        "    edge_evaluator:",
        "      gate:",
        *answers.drops(profile, drop, agreement, eval_rows),
        f"        min_size_ratio: {bound:g}  # about {expected:g} times with dynamic_wi8_afp32_e4, others are smaller",
        "        min_latency_ratio: null  # so small a network takes less time than cutting a text into tokens"
        if scratch
        else f"        min_latency_ratio: {_LATENCY[size]}",
    ]


def _teacher(profile: Mapping[str, Any], name: str) -> Shape:
    shape = _TEACHERS[profile["backbone"]][name]
    return dataclasses.replace(shape, tokens=len(profile["vocabulary"])) if profile["vocabulary"] else shape


def _student(profile: Mapping[str, Any], teacher: Shape, name: str, rows: int) -> Shape:
    counted = profile["text"]["counted"]
    tokens = teacher.tokens
    if name == "quick" and counted:
        # Rows beyond the sample bring further words, ever fewer of them (Heaps' law).
        growth = math.sqrt(max(1.0, rows / max(profile["text"]["sampled"], 1)))
        tokens = min(tokens, round(counted["floor"] + growth * (counted["kept"] - counted["floor"])))
    return Shape(tokens, teacher.layers, teacher.hidden, round(_NEURONS[name] * teacher.intermediate))


def _student_section(name: str, teacher: Shape, *, scratch: bool) -> str:
    neurons = f"layers: {teacher.layers}, intermediate: {_NEURONS[name]}"
    if name == "quick":
        return f"{{{neurons}}}"
    if scratch:
        return f"{{{neurons}, trim_vocabulary: false}}"
    stored = "{bits: int4, rare_bits: int2, frequent: 2048, block: 64}"
    return f"{{{neurons}, trim_vocabulary: false,\n                embedding: {stored}}}"


def _windows(found: Mapping[str, Any], most: int) -> Sequence[str]:
    """A shorter window that most texts fit, where it is much shorter."""
    whole = min(most, window(found["tokens"]["p99"]))
    shorter = window(found["tokens"]["p50"] * 1.25)
    return [f"      windows: [{shorter}]  # most texts fit it, and are answered faster"] if shorter < whole else []

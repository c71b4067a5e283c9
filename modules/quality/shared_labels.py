"""Two models with other labels, compared on the rows of the labels that both know.

Each chooses between the shared labels alone, by the probabilities that it gives them: a model is not worse for knowing
a label more. The evaluation itself is TFMA's, of models and rows that were cut down to this question.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality.settings import Bound
from modules.quality.tfma.results import CANDIDATE, PREVIOUS, metrics, missed_bounds
from modules.targets.base import Target
from modules.tensors import raw_spec

FEWEST = 2  # between fewer there is nothing to choose
_SHOWN = 8  # labels in a message


def shared(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """The labels that both know, in the order of `ours`.

    Args:
        ours: labels of the new model.
        theirs: of the one before.

    Returns:
        Empty where they are too few for a comparison.
    """
    both = [label for label in ours if label in set(theirs)]
    return both if len(both) >= FEWEST else []


def drops(thresholds: Mapping[str, Bound]) -> dict[str, Bound]:
    """Of the bounds of the gate, what is said of a model before; the others were judged on all rows.

    Args:
        thresholds: bounds by metric.
    """
    return {name: Bound(max_drop=bound.max_drop) for name, bound in thresholds.items() if bound.max_drop is not None}


def write_rows(file_patterns: Sequence[str], path: str, target: Target) -> tuple[int, dict[str, int]]:
    """Copies the examples whose label a target knows.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        path: the file to write, gzip-compressed.
        target: with the shared labels alone.

    Returns:
        The number of rows that were read, and by label those that were written.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    spec, counts, read = raw_spec(target.columns()), dict.fromkeys(target.names, 0), 0
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
            answers = tf.io.parse_example(batch, spec)[target.column].numpy()
            read += len(answers)
            for serialized, answer in zip(batch.numpy(), answers, strict=True):
                label = answer.decode("utf-8")
                if label in counts:
                    counts[label] += 1
                    writer.write(serialized)
    return read, counts


def found(
    uri: str,
    target: Target,
    *,
    ours: Sequence[str],
    theirs: Sequence[str],
    of: int,
    rows: Mapping[str, int],
    bounded: Sequence[str],
) -> dict[str, Any]:
    """What the comparison came to.

    Args:
        uri: TFMA's results; read where there was a row to compare.
        target: with the shared labels alone.
        ours: labels of the new model.
        theirs: of the one before.
        of: rows of the split.
        rows: of these, by shared label, those that were compared.
        bounded: the metrics that a bound was set for.

    Returns:
        JSON values, the content of `shared_labels.json`: `labels` that both know, `only_new` and `only_previous` that
        one knows; `rows` by shared label, `compared` all of these, `of` those of the split; `model` and `previous`,
        metrics overall and by slice; `missed`, items as of the other bounds of the gate; `told`, all this in a line.
    """
    known, compared = set(target.names), sum(rows.values())
    ones, others = (metrics(uri, name) if compared else {} for name in (CANDIDATE, PREVIOUS))
    where = "on the rows of the shared labels, "
    values = {
        "labels": target.names,
        "only_new": [label for label in ours if label not in known],
        "only_previous": [label for label in theirs if label not in known],
        "rows": dict(rows),
        "compared": compared,
        "of": of,
        "model": ones,
        "previous": others,
        "missed": [{**item, "message": where + item["message"]} for item in missed_bounds(uri)] if compared else [],
    }
    return values | {"told": _told(values, list(bounded) or list(target.watched))}


def _told(values: Mapping[str, Any], names: Sequence[str]) -> str:
    one, other = values["model"], values["previous"]
    scores = [f"{name} {one[name]:.4f} against {other[name]:.4f}" for name in names if name in one and name in other]
    labels, more = ", ".join(values["labels"][:_SHOWN]), len(values["labels"]) - _SHOWN
    return (
        f"with the latest blessed model, which has other labels, on the {values['compared']} of {values['of']} rows of "
        f"eval whose label both know ({labels}{f' and {more} more' if more > 0 else ''})"
        + (f": {', '.join(scores)}" if scores else "")
    )

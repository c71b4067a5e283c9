"""The device's answers against an interpreter in this process, fed with the ids of Transform's tokenizer."""

from __future__ import annotations

from pathlib import Path

import modules  # noqa: F401
from modules.text import tokenization

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgeline_edge import Classifier, read_bundle


def compare(bundle_path: Path, texts: list[str]) -> tuple[float, float, float]:
    """Runs all texts both ways.

    Returns:
        The share of equal labels, the largest difference of a score, and the bundle's recorded tolerance.
    """
    bundle = read_bundle(bundle_path)
    manifest = bundle.manifest
    ids, mask = tokenization.wordpiece(texts, bundle.vocabulary, manifest.sequence_length)
    interpreter = Interpreter(model_content=bundle_path.read_bytes(), num_threads=1)
    run = interpreter.get_signature_runner("serving_default")
    expected = np.concatenate(
        [
            run(token_ids=row[np.newaxis], padding_mask=kept[np.newaxis])["probabilities"]
            for row, kept in zip(ids.numpy(), mask.numpy(), strict=True)
        ]
    )
    predictions = Classifier.load(bundle_path).predict(texts)
    labels = list(manifest.labels)
    scores = np.array([[prediction.scores[label] for label in labels] for prediction in predictions])
    same = np.mean(
        [labels[best] == item.label for best, item in zip(expected.argmax(axis=1), predictions, strict=True)]
    )
    return float(same), float(np.abs(expected - scores).max()), float(manifest.tolerance)

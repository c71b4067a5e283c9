"""ONNX Runtime on a device: Hugging Face's tokenizer and a session, one text at a time, from nothing to the answer."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness.memory import peak_bytes
from benchmarks.harness.worker import serve


def prepare(file: Path, vocabulary: Path, length: int, threads: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Imports and loads.

    Args:
        file: an ONNX file with the inputs `token_ids` and `padding_mask`.
        vocabulary: WordPiece tokens, one a line.
        length: the longest window in tokens.
        threads: of one session.

    Returns:
        Answers `{"texts": [...]}` with `ms` and `cpu_ms` of each, `labels` (ids), and what the start cost.
    """
    began = time.perf_counter()
    import numpy as np
    import onnxruntime
    from tokenizers import BertWordPieceTokenizer

    imported = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer.enable_truncation(length)
    start = {"import_s": imported - began, "load_s": time.perf_counter() - imported}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        times, cpu_times, labels = [], [], []
        for text in request["texts"]:
            began, cpu = time.perf_counter(), time.process_time()
            encoded = tokenizer.encode(text)
            token_ids = np.array([encoded.ids], np.int64)
            [logits] = session.run(None, {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)})
            exponents = np.exp(logits[0] - logits[0].max())
            scores = exponents / exponents.sum()
            label = int(scores.argmax())
            times.append(1e3 * (time.perf_counter() - began))
            cpu_times.append(1e3 * (time.process_time() - cpu))
            labels.append(label)
        return {"ms": times, "cpu_ms": cpu_times, "labels": labels, "peak_bytes": peak_bytes(), **start}

    return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("length", type=int)
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    serve(lambda: prepare(options.file, options.vocabulary, options.length, options.threads))

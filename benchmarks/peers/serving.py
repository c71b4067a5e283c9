"""The network of a run behind a server that a user would write: ONNX Runtime int8 in KServe, or PyTorch in FastAPI.

    python -m benchmarks.peers.serving onnx|torch FOLDER PART

FOLDER is what `benchmarks.ours.export` (and for `onnx` `benchmarks.peers.export_onnx`) wrote. Both answer KServe's V1
protocol with label and scores, tokenize by Hugging Face's `tokenizers`, run one text at a time in one thread, and say
their address in a line once they answer.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

Infer = Callable[[str], dict[str, Any]]
NAME = "bench"


def with_onnx(folder: Path, part: str) -> Infer:
    """What answers a text, by the int8 file, fused where that worked."""
    import onnxruntime

    fused = folder / f"{part}.fused.int8.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(fused if fused.is_file() else folder / f"{part}.int8.onnx"), options, providers=["CPUExecutionProvider"]
    )

    def logits(ids: np.ndarray) -> np.ndarray:
        return session.run(None, {"token_ids": ids, "padding_mask": np.ones_like(ids)})[0][0]

    return _infer(folder, part, logits)


def with_torch(folder: Path, part: str) -> Infer:
    """What answers a text, by the network in float32."""
    import torch

    from benchmarks.peers import network

    torch.set_num_threads(1)
    model = network.load(folder, part)

    def logits(ids: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            found = torch.from_numpy(ids)
            return model(found, torch.ones_like(found))[0].numpy()

    return _infer(folder, part, logits)


def serve_kserve(infer: Infer) -> None:
    """KServe's own server, with one model."""
    from kserve import Model, ModelServer

    class Served(Model):
        """The model as KServe wants it."""

        def __init__(self) -> None:
            super().__init__(NAME)
            self.ready = True

        def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            return {"predictions": [infer(text) for text in payload["instances"]]}

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threading.Thread(target=_announce, args=(port,), daemon=True).start()
    for name in ("uvicorn.access", "kserve", "kserve.trace"):  # as ours: no line for each request
        logging.getLogger(name).setLevel(logging.WARNING)
    ModelServer(http_port=port, workers=1, enable_grpc=False).start([Served()])


def serve_fastapi(infer: Infer) -> None:
    """An endpoint in a few lines."""
    import fastapi

    app = fastapi.FastAPI()

    @app.post(f"/v1/models/{NAME}:predict")
    def predict(payload: dict[str, Any]) -> dict[str, Any]:
        return {"predictions": [infer(text) for text in payload["instances"]]}

    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    threading.Thread(target=_announce, args=(listening.getsockname()[1],), daemon=True).start()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])


def _infer(folder: Path, part: str, logits: Callable[[np.ndarray], np.ndarray]) -> Infer:
    from tokenizers import BertWordPieceTokenizer

    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    tokenizer = BertWordPieceTokenizer(str(folder / f"{part}.vocabulary.txt"), lowercase=True)
    tokenizer.enable_truncation(run["sequence_length"])

    def infer(text: str) -> dict[str, Any]:
        found = logits(np.array([tokenizer.encode(text).ids], np.int64))
        exponents = np.exp(found - found.max())
        scores = dict(zip(run["labels"], (exponents / exponents.sum()).tolist(), strict=True))
        label = max(scores, key=scores.__getitem__)
        return {"label": label, "score": scores[label], "scores": scores}

    infer("warm")
    return infer


def _announce(port: int) -> None:
    """Says the address as soon as somebody listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            print(f"http://127.0.0.1:{port}/v1/models/{NAME}:predict", flush=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads on: a full pipe would stop the server
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("onnx", "torch"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=("blessed", "student"))
    given = parser.parse_args()
    if given.kind == "onnx":
        serve_kserve(with_onnx(given.folder, given.part))
    else:
        serve_fastapi(with_torch(given.folder, given.part))

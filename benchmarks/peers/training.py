"""The same training step in PyTorch and transformers, as their documentation recommends it on a CPU.

Fused AdamW, gradients clipped by their global norm, a linear schedule with warm-up; in float32 or under bfloat16
autocast; optionally compiled by TorchInductor. The batches are ours, ready-made: the peer pays for no input pipeline.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness.worker import serve


def prepare(
    folder: Path, precision: str, steps: int, threads: int, compiled: bool
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Builds the model, and returns what trains one turn.

    Args:
        folder: `run.json`, and `batches.npz` of our side.
        precision: `float32` or `bfloat16`.
        steps: batches of a turn.
        threads: of PyTorch; 0 for its own choice, all cores.
        compiled: whether to compile the model.

    Returns:
        Answers with `seconds`, `cpu_seconds` and `loss` of the next turn.
    """
    import numpy as np
    import torch
    from transformers import get_linear_schedule_with_warmup

    from benchmarks.peers.network import Classifier

    if threads:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    settings = run["trainer"]
    torch.manual_seed(settings["seed"])
    model = Classifier(architecture(run), dropout=settings["dropout"]).train()
    decayed = [value for name, value in model.named_parameters() if not name.endswith(("bias", "LayerNorm.weight"))]
    others = [value for name, value in model.named_parameters() if name.endswith(("bias", "LayerNorm.weight"))]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
        lr=settings["learning_rate"], eps=1e-6, fused=True,
    )  # fmt: skip
    schedule = get_linear_schedule_with_warmup(optimizer, 100, 10_000)
    loss_of = torch.nn.CrossEntropyLoss()
    network = torch.compile(model, dynamic=True) if compiled else model
    with np.load(folder / "batches.npz") as arrays:
        count = len(arrays.files) // 3
        names = ("token_ids", "padding_mask", "labels")
        batches = [[torch.from_numpy(arrays[f"{i}.{name}"].astype(np.int64)) for name in names] for i in range(count)]
    place = 0

    def turn(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal place
        began, cpu = time.perf_counter(), time.process_time()
        loss = torch.tensor(0.0)
        for _ in range(steps):
            token_ids, padding_mask, labels = batches[place % count]
            place += 1
            low = torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()
            with low:
                logits = network(token_ids, padding_mask)
            loss = loss_of(logits.float(), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings["gradient_clip_norm"])
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        return {"seconds": seconds, "cpu_seconds": used, "loss": float(loss.detach())}

    return turn


def architecture(run: dict[str, Any]) -> dict[str, Any]:
    """The shapes of a MiniLM classifier with the layers that the configuration keeps."""
    return {
        "vocabulary_size": run["vocabulary_size"], "num_layers": len(run["backbone"]["layers"]), "num_heads": 12,
        "hidden_dim": 384, "intermediate_dim": 1536, "max_sequence_length": run["sequence_length"], "num_segments": 2,
        "num_classes": len(run["labels"]), "activation": "gelu", "head_dim": None, "layer_heads": None,
        "layer_intermediate_dims": None,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("precision", choices=("float32", "bfloat16"))
    parser.add_argument("steps", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("--compiled", action="store_true")
    options = parser.parse_args()
    serve(lambda: prepare(options.folder, options.precision, options.steps, options.threads, options.compiled))

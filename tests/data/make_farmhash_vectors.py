"""Writes `farmhash_vectors.json`: fingerprints of the C++ library, which `packages/pyfarmhash` must give as well.

Needs the library itself, so an environment of its own with a C++ compiler and Python's headers:

    python3 -m venv /tmp/farmhash && /tmp/farmhash/bin/pip install --no-binary :all: pyfarmhash==0.3.2
    /tmp/farmhash/bin/python tests/data/make_farmhash_vectors.py
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import farmhash

_LENGTHS = [*range(0, 140), 191, 192, 193, 256, 1000]  # every path of both algorithms, and both sides of each border


def main() -> None:
    """Writes the file beside this script: `[text, fingerprint64, fingerprint32]` a line."""
    chance = random.Random(20261126)
    texts = ["".join(chr(chance.randrange(32, 127)) for _ in range(length)) for length in _LENGTHS]
    texts += ["".join(chr(chance.randrange(1, 0x2FFF)) for _ in range(length)) for length in range(1, 60)]
    lines = [json.dumps([text, farmhash.fingerprint64(text), farmhash.fingerprint32(text)]) for text in texts]
    Path(__file__).with_name("farmhash_vectors.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()

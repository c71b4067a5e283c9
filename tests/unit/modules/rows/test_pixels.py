"""A linear model reads pictures pixel by pixel, at one size, however large the files are."""

from __future__ import annotations

import io

from modules.rows.columns import Columns
from modules.rows.raw import RawSplit
from modules.targets.one_label import linear
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_a_picture_is_784_shares_of_white_and_none_is_black() -> None:
    half = np.zeros((56, 112))
    half[:28] = 255
    made = Columns({"photo": [png(half)]}, {"photo": "pixels"}).transform({"photo": [png(half), b""]}).toarray()
    assert made.shape == (2, 28 * 28)
    assert made[0, : 14 * 28].tolist() == [1.0] * 14 * 28
    assert not made[0, 14 * 28 :].any()
    assert not made[1].any()


def test_a_linear_model_tells_a_bright_top_from_a_bright_bottom() -> None:
    chance = np.random.default_rng(0)

    def split(rows: int) -> RawSplit:
        labels = chance.integers(0, 2, rows)
        pixels = chance.integers(0, 120, (rows, 20, 16))
        for row, label in enumerate(labels):
            pixels[row, 10 * label : 10 * label + 10] += 60
        photos = [png(one) for one in pixels]
        return RawSplit(
            [f"photo={row}" for row in range(rows)], labels, {}, others={"photo": photos}, linear={"photo": "pixels"},
            has_texts=False,
        )  # fmt: skip

    target = OneLabel(column="label", labels=["top", "bottom"])
    made = linear.baseline({"train": split(120), "eval": split(60), "test": split(60)}, target, seed=0)
    right = made.predictions["test"]
    assert np.mean(right.predicted == right.label) > 0.95
    assert made.record["splits"]["test"]["accuracy"] == pytest.approx(np.mean(right.predicted == right.label))

"""A bundle with several windows: the edge package takes the shortest that holds a text, and refuses a crooked one."""

from modules.network.weights import read_weights
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest

from edgeline_edge import BundleError, Classifier, write_bundle
from edgeline_edge.runtime import Model
from tests.unit import compression_helpers as helpers

MANIFEST = {"task": "t", "recipe": "float32", "run_id": "r", "licence": "Apache-2.0"}
SHORT, LONG = "good film", "good film and a dull song but a nice meal"


@pytest.fixture(scope="module")
def trained():
    return helpers.random_trained(seed=3)


def _content(trained, windows=()) -> bytes:
    return convert(
        read_weights(trained.model),
        trained.architecture,
        RECIPES["float32"],
        layout=helpers.text_layout(),
        windows=windows,
    ).content


def _classifier(trained, path, windows=()) -> Classifier:
    content = _content(trained, windows)
    write_bundle(content, path, vocabulary=trained.vocabulary, labels=trained.labels, manifest=MANIFEST)
    return Classifier.load(path)


def test_texts_of_all_lengths_get_the_answer_of_the_whole_window(trained, tmp_path) -> None:
    whole, windowed = _classifier(trained, tmp_path / "a"), _classifier(trained, tmp_path / "b", (4, 8))
    for text in (SHORT, LONG, "good", "x" * 500):
        one, other = (classifier.predict([text])[0].scores for classifier in (whole, windowed))
        assert other == pytest.approx(one, abs=1e-5)


def test_the_shortest_window_that_holds_the_last_token_is_run(trained) -> None:
    model = Model(_content(trained, (4, 8)))
    assert model.windows == (4, 8)
    ran: list[int] = []
    model._runners = {window: _spy(window, runner, ran) for window, runner in model._runners.items()}
    for used in (1, 4, 5, 8, 9, helpers.LENGTH):
        mask = np.zeros((1, helpers.LENGTH), np.int32)
        mask[0, used - 1] = 1  # a hole before it: what counts is the last token
        model(np.zeros_like(mask), mask)
    assert ran == [4, 4, 8, 8, helpers.LENGTH, helpers.LENGTH]


def _spy(window, runner, ran):
    def run(**feed):
        ran.append(window)
        return runner(**feed)

    return run


def test_a_window_whose_name_lies_about_its_length_is_refused(trained) -> None:
    content = _content(trained, (8,))
    with pytest.raises(BundleError, match="window_9 has the lengths"):
        Model(content.replace(b"window_8", b"window_9"))

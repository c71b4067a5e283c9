"""`modules.student.compress`: from a teacher to a student, with the embedding stored before the layers learn."""

from modules.network.weights import read_weights
from modules.student.compress import compress
from modules.student.settings import PrunerSettings
from modules.tflite.packed_embedding import embedding_table
from modules.tflite.settings import Storage

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers


@pytest.mark.parametrize("stored", [True, False])
def test_a_stored_embedding_stays_as_it_was_stored_while_the_layers_learn(stored, tmp_path) -> None:
    teacher, train = helpers.random_trained(seed=2), helpers.examples(96)
    storage = {"bits": "int4", "rare_bits": "int2", "frequent": 8, "block": 32}
    student = {"layers": None, "intermediate": 0.5, "importance_rows": 32, "embedding": storage if stored else None}
    settings = PrunerSettings.model_validate(
        {
            "student": student,
            "pruning": {"pattern": "none"},
            "quantization_aware": {"kernel_bits": None},
            "epochs": 1,
            "batch_size": 16,
        }
    )
    made = compress(teacher, train, train, settings, backup_dir=str(tmp_path))
    rows = [teacher.vocabulary.index(token) for token in made.trained.vocabulary]
    before = read_weights(teacher.model).token[rows]
    after = read_weights(made.trained.model)
    expected = embedding_table(before, Storage(**storage)).dequantized()
    assert np.allclose(after.token, expected) == stored
    kernel = after.layers[0].feedforward_kernel
    assert not np.allclose(kernel, read_weights(teacher.model).layers[0].feedforward_kernel[: len(kernel)])
    if stored:
        again = embedding_table(after.token, Storage(**storage)).dequantized()
        assert np.abs(again - after.token).max() < 0.05 * np.abs(after.token).max()

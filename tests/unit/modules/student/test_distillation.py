"""`modules.student.distillation`, unlabelled variations: a teacher teaches, each part of the loss as it should."""

from modules.inputs.text import unlabelled as unlabelled_variations
from modules.network.logits import split_logits
from modules.network.model import build_model, logits_model
from modules.rows.transformed import Examples
from modules.student import distillation
from modules.student.distillation import Tapped
from modules.student.fine_tuning import TeacherSignals, fine_tune
from modules.student.settings import DistillationSettings
from modules.targets.one_label.distillation import soft_target_loss
from modules.text.features import PADDING_MASK, TOKEN_IDS

import numpy as np
import pytest
import tensorflow as tf

from tests.unit import compression_helpers as helpers


def _features(rows):
    return {TOKEN_IDS: tf.constant(rows.token_ids), PADDING_MASK: tf.constant(rows.padding_mask)}


def _perfect_logits(rows) -> np.ndarray:
    """A teacher that counts the opinions of a text: exact, and more certain the clearer a text is."""
    number = {token: index for index, token in enumerate(helpers.VOCABULARY)}
    good = np.isin(rows.token_ids, [number[word] for word in helpers.GOOD]).sum(axis=1)
    bad = np.isin(rows.token_ids, [number[word] for word in helpers.BAD]).sum(axis=1)
    votes = (good - bad).astype(np.float32)
    return np.stack([-votes, votes], axis=1)


@pytest.mark.slow
def test_a_teacher_really_teaches(tmp_path) -> None:
    """The same student on the same noisy labels, with and without a teacher; mean of three seeds on clean texts."""
    test = helpers.examples(400, seed=99)
    scores: dict[float, list[float]] = {0.0: [], 0.9: []}
    for seed in range(3):
        train = helpers.examples(160, seed=seed, noise=0.3)
        for alpha, found in scores.items():
            tf.keras.utils.set_random_seed(seed)
            student = build_model(helpers.architecture(num_layers=1), dropout=0.0)
            settings = helpers.plain(
                epochs=6, batch_size=16, learning_rate=3e-3, seed=seed, distillation=DistillationSettings(alpha=alpha)
            )
            signals = TeacherSignals(_perfect_logits(train))
            fine_tune(student, train, signals, settings, backup_dir=str(tmp_path / f"{seed}-{alpha}"))
            logits = split_logits(student, test)
            found.append(float(np.mean(logits.argmax(axis=1) == test.labels)))
    assert np.mean(scores[0.9]) > np.mean(scores[0.0]) + 0.02, scores


def test_the_soft_target_loss_is_zero_for_equals_and_grows_with_the_difference() -> None:
    teacher = tf.constant([[2.0, -1.0], [0.5, 0.5]])
    np.testing.assert_allclose(soft_target_loss(teacher, teacher, 3.0), 0.0, atol=1e-6)
    near = soft_target_loss(teacher + tf.constant([[0.1, 0.0]]), teacher, 2.0)
    far = soft_target_loss(teacher + tf.constant([[3.0, 0.0]]), teacher, 2.0)
    assert (far.numpy() > near.numpy()).all()
    assert (near.numpy() > 0).all()


def test_gradients_keep_their_size_when_the_temperature_changes() -> None:
    """The square of the temperature is there for this (Hinton et al., section 2)."""
    teacher = tf.constant([[0.2, -0.1]])
    sizes = []
    for temperature in (2.0, 8.0):
        student = tf.Variable([[0.0, 0.3]])
        with tf.GradientTape() as tape:
            loss = soft_target_loss(student, teacher, temperature)
        sizes.append(float(tf.norm(tape.gradient(loss, student))))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_padding_does_not_count() -> None:
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 6, 4)).astype(np.float32), rng.normal(size=(2, 6, 4)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]], np.int32)
    before = distillation.hidden_loss(student, teacher, mask).numpy()
    student[0, 3:] = 1e6
    np.testing.assert_allclose(distillation.hidden_loss(student, teacher, mask).numpy(), before)


def test_tapping_a_network_does_not_change_it() -> None:
    trained, rows = helpers.random_trained(), helpers.examples(8)
    tapped = Tapped(trained.model)
    logits, states = tapped(_features(rows), training=False)
    np.testing.assert_allclose(logits, logits_model(trained.model)(_features(rows)), atol=1e-5)
    assert len(states) == 3, "embeddings and two layers"
    attention = tapped.attention(0, states, _features(rows)[PADDING_MASK]).numpy()
    assert attention.shape == (8, 4, helpers.LENGTH, helpers.LENGTH)
    np.testing.assert_allclose(attention.sum(axis=-1), 1.0, atol=1e-5)
    assert (attention[0, :, :, rows.padding_mask[0] == 0] < 1e-6).all()


def test_hidden_states_and_attention_pull_a_student_with_fewer_heads_to_its_teacher(tmp_path) -> None:
    teacher, rows = helpers.random_trained(), helpers.examples(64)
    shape = helpers.architecture(num_layers=1, head_dim=8, layer_heads=(2,))
    student = build_model(shape, dropout=0.0)

    def distance() -> tuple[float, float]:
        mask = _features(rows)[PADDING_MASK]
        own, wanted = Tapped(student), Tapped(teacher.model)
        states, targets = own(_features(rows), training=False)[1], wanted(_features(rows), training=False)[1]
        hidden = distillation.hidden_loss(states[1], targets[2], mask)
        maps = distillation.attention_loss(own.attention(0, states, mask), wanted.attention(1, targets, mask), mask)
        return float(tf.reduce_mean(hidden)), float(tf.reduce_mean(maps))

    before = distance()
    settings = helpers.plain(
        epochs=4,
        batch_size=16,
        learning_rate=3e-3,
        distillation=DistillationSettings(alpha=1.0, hidden=1.0, attention=1.0),
    )
    signals = TeacherSignals(
        split_logits(teacher.model, rows), teacher.model, {TOKEN_IDS: rows.token_ids}, layer_map=(1,)
    )
    fine_tune(student, rows, signals, settings, backup_dir=str(tmp_path))
    after = distance()
    assert after[0] < 0.9 * before[0]
    assert after[1] < before[1]


def test_hidden_losses_without_a_teacher_are_refused() -> None:
    trained, rows = helpers.random_trained(), helpers.examples(4)
    with pytest.raises(ValueError, match="need the teacher"):
        distillation.distillation_loss(
            DistillationSettings(hidden=1.0),
            Tapped(trained.model),
            _features(rows),
            tf.constant(rows.labels),
            tf.zeros([4, 2]),
        )


def test_a_row_without_a_label_follows_the_teacher_alone() -> None:
    trained, rows = helpers.random_trained(), helpers.examples(4)
    soft = tf.random.stateless_normal([4, 2], [1, 2])

    def loss(alpha: float, labels: np.ndarray) -> np.ndarray:
        settings = DistillationSettings(alpha=alpha)
        return distillation.distillation_loss(
            settings, Tapped(trained.model), _features(rows), tf.constant(labels), soft
        )[0].numpy()

    unlabelled = np.full(4, -1, np.int32)
    np.testing.assert_allclose(loss(0.3, unlabelled), loss(1.0, rows.labels), rtol=1e-5)


def test_variations_use_nothing_but_the_training_texts() -> None:
    rows = helpers.examples(50)
    more = unlabelled_variations.augment(rows, helpers.VOCABULARY, copies=3, seed=1)
    again = unlabelled_variations.augment(rows, helpers.VOCABULARY, copies=3, seed=1)
    assert len(more) == 150
    assert set(np.unique(more.token_ids)) <= set(np.unique(rows.token_ids))
    assert (more.labels == -1).all()
    assert np.array_equal(more.token_ids, again.token_ids)
    assert not np.array_equal(more.token_ids[:50], rows.token_ids)
    start, end = (helpers.VOCABULARY.index(token) for token in ("[CLS]", "[SEP]"))
    assert (more.token_ids[:, 0] == start).all()
    assert (more.token_ids[np.arange(150), more.lengths - 1] == end).all()


def test_a_clause_without_spaces_is_many_words() -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"กขคงจ", *("##" + letter for letter in "กขคงจ")]
    ids = np.array([[2, 4, 10, 11, 12, 13, 3, 0]], np.int32)
    tensors = {TOKEN_IDS: ids, PADDING_MASK: (ids > 0).astype(np.int32)}
    rows = Examples(tensors, np.zeros(1, np.int32), tuple(tensors), PADDING_MASK)
    more = unlabelled_variations.augment(rows, vocabulary, copies=20, drop=0.3, replace=0.0, join=0.0)
    assert set(more.lengths) > {5, 6}, "some of its letters are dropped, not all of it or none"


def test_without_changes_a_variation_is_the_text_itself() -> None:
    rows = helpers.examples(10)
    same = unlabelled_variations.augment(rows, helpers.VOCABULARY, copies=1, drop=0.0, replace=0.0, join=0.0)
    assert np.array_equal(same.token_ids, rows.token_ids)
    both = rows.followed_by(same)
    assert len(both) == 20
    assert np.array_equal(both.take(np.arange(10)).labels, rows.labels)

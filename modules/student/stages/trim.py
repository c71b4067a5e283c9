"""First stage: which tokens the student knows. Only the training split decides."""

from __future__ import annotations

from modules.rows import words as words_lib
from modules.stages import extend
from modules.student.stages.values import Given, TrimmedVocabulary


def trim(given: Given) -> TrimmedVocabulary:
    """Leaves out the tokens that the training rows do not use.

    Args:
        given: what a student is made from; `settings.student` says whether and how.

    Returns:
        The same with the student's vocabulary.
    """
    shape, tokens = given.settings.student, given.teacher.vocabulary
    words = words_lib.of(given.teacher.architecture.encoded).trim(
        given.train,
        tokens,
        min_count=shape.min_count if shape.trim_vocabulary else 0,
        continuations=shape.continuations,
    )
    return extend(given, TrimmedVocabulary, words=words)

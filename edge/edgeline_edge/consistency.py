"""Do the parts of a bundle fit each other? What the schema of a manifest cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeline_edge import tokenizers
from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import INPUTS, Manifest
from edgeline_edge.targets import kinds as targets
from edgeline_edge.targets.one_label import OneLabel


def check(manifest: Manifest) -> None:
    """Refuses a manifest whose parts contradict each other, or that asks for a text normalisation unknown here.

    Args:
        manifest: read, and valid by its schema.

    Raises:
        BundleError: it contradicts itself.
    """
    target = targets.of(manifest)
    inputs, outputs = manifest.signature["inputs"], manifest.signature["outputs"]
    named = [name for section in manifest.inputs or () for name in section["tensors"]] or list(INPUTS)
    if sorted(named) != sorted(inputs):
        raise BundleError(f"the model takes {', '.join(sorted(inputs))}, the inputs give {', '.join(sorted(named))}")
    wanted = {"dtype": "int32", "shape": [1, manifest.sequence_length]}
    for name in INPUTS if manifest.has_text else ():
        if inputs[name] != wanted:
            raise BundleError(f"{name} is {inputs[name]}, but the sequence length demands {wanted}")
    if list(outputs) != [target.output]:
        raise BundleError(f"the model gives {', '.join(outputs)}, a target of kind {target.kind} has {target.output}")
    wanted = {"dtype": "float32", "shape": [1, target.outputs]}
    if outputs[target.output] != wanted:
        demanding = f"{target.outputs} labels demand" if target.labels else f"a target of kind {target.kind} demands"
        raise BundleError(f"{target.output} is {outputs[target.output]}, but {demanding} {wanted}")
    if manifest.calibration and target.kind != OneLabel.kind:
        raise BundleError(f"a temperature calibrates one label, but the target is of kind {target.kind}")
    if not manifest.has_text:
        return  # whoever reads no text reads no table of a tokenizer either, which is half of what loading takes
    known = normalization(tokenizers.of_manifest(manifest.tokenizer))
    if dict(manifest.normalization) != known:
        asked = f"{manifest.normalization['name']} version {manifest.normalization['version']}"
        raise BundleError(
            f"the bundle normalises text by {asked} ({manifest.normalization['sha256'][:12]}…), "
            f"this package knows {known['name']} version {known['version']} ({known['sha256'][:12]}…)"
        )


def no_words(vocabulary: Sequence[str]) -> str:
    """What is wrong with the vocabulary of a bundle whose rows have no text.

    Args:
        vocabulary: its lines.
    """
    return f"holds {len(vocabulary)} tokens, but no input is a text" if vocabulary else ""


def normalization(kind: tokenizers.Kind) -> dict[str, Any]:
    """The table that a tokenizer normalises with, as a manifest says it.

    Args:
        kind: the tokenizer.
    """
    table = kind.normalization()
    return {"name": table.name, "version": table.version, "sha256": table.sha256}

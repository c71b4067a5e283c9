"""`edgeline-edge info` and `verify`: what a bundle is, and whether it can be run."""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from edgeline_edge.bundle import Bundle, read_bundle
from edgeline_edge.classifier import Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import Manifest


def info(options: argparse.Namespace) -> int:
    """Runs `info`.

    Args:
        options: the parsed command line.

    Returns:
        0.

    Raises:
        BundleError: the bundle is refused.
    """
    bundle = read_bundle(options.bundle)
    facts = {**describe(bundle), "model_card": model_card(Path(options.bundle), bundle)}
    if options.json:
        print(json.dumps(facts, indent=1, ensure_ascii=True))
    elif options.markdown:
        print(contract(bundle))
    else:
        _show(facts)
    return 0


def verify(options: argparse.Namespace) -> int:
    """Runs `verify`: everything that loading checks, an answer, and optionally a digest known from elsewhere.

    Args:
        options: the parsed command line.

    Returns:
        0.

    Raises:
        BundleError: the bundle is refused, or is another one.
    """
    bundle = read_bundle(options.bundle)
    digest = hashlib.sha256(bundle.content).hexdigest()
    if options.sha256 and options.sha256.lower() != digest:
        raise BundleError(f"{options.bundle}: SHA-256 is {digest}, not {options.sha256}")
    with quiet_runtime():
        answer = Classifier(bundle).predict(["The quick brown fox."])[0]
    if answer.label not in bundle.manifest.labels:
        raise BundleError(f"{options.bundle}: answers with a label of its own")
    print(f"{options.bundle}: valid, runs, sha256 {digest}")
    return 0


def describe(bundle: Bundle) -> dict[str, Any]:
    """Collects what `info` shows.

    Args:
        bundle: the bundle.

    Returns:
        Manifest, sizes, digest and operators, as JSON values.
    """
    content = bundle.content
    return {
        "manifest": bundle.manifest.to_dict(),
        "bytes": len(content),
        "bytes_gzip": len(gzip.compress(content, 6, mtime=0)),
        "bytes_model": bundle.model_bytes,
        "bytes_attached": len(content) - bundle.model_bytes,
        "sha256": hashlib.sha256(content).hexdigest(),
        "tokens": len(bundle.vocabulary),
        "oldest_tensorflow_lite": oldest_runtime(content),
        "operators": operators(content),
    }


def model_card(path: Path, bundle: Bundle) -> str | None:
    """Finds the model card that was pushed with a bundle.

    Args:
        path: file of the bundle.
        bundle: its content.

    Returns:
        The path of the page beside the bundle, if there is one of this very file; else None.
    """
    facts, page = path.with_name("model_card.json"), path.with_name("model_card.md")
    try:
        named = json.loads(facts.read_text("utf-8"))["size"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no card, or something else of that name: neither makes the bundle less valid
    return str(page) if page.is_file() and named == hashlib.sha256(bundle.content).hexdigest() else None


def operators(content: bytes) -> dict[str, int]:
    """Counts the operators of a model by name, most frequent first.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        How often each operator occurs; custom ones as `CUSTOM:name`.

    Raises:
        BundleError: the flatbuffer cannot be read.
    """
    from ai_edge_litert import schema_py_generated as tflite

    names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    counts: collections.Counter[str] = collections.Counter()
    try:
        model = tflite.Model.GetRootAs(content, 0)
        kinds = []
        for index in range(model.OperatorCodesLength()):
            code = model.OperatorCodes(index)
            # Old files keep small codes in a byte of their own.
            name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "UNKNOWN")
            kinds.append(f"CUSTOM:{(code.CustomCode() or b'').decode()}" if name == "CUSTOM" else name)
        for index in range(model.SubgraphsLength()):
            graph = model.Subgraphs(index)
            counts.update(kinds[graph.Operators(i).OpcodeIndex()] for i in range(graph.OperatorsLength()))
    except Exception as error:  # the generated reader raises whatever a damaged offset leads it to
        raise BundleError(f"the model's operators cannot be read: {error}") from error
    return dict(counts.most_common())


def oldest_runtime(content: bytes) -> str | None:
    """The first TensorFlow Lite that has all operators of a model in its versions, as the model itself says.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        As `2.17.0`; None if it does not say.

    Raises:
        BundleError: the flatbuffer cannot be read.
    """
    from ai_edge_litert import schema_py_generated as tflite

    try:
        model = tflite.Model.GetRootAs(content, 0)
        for index in range(model.MetadataLength()):
            entry = model.Metadata(index)
            if entry.Name() == b"min_runtime_version":
                data = model.Buffers(entry.Buffer()).DataAsNumpy()
                return bytes(data).rstrip(b"\0").decode("ascii") or None
    except Exception as error:  # the generated reader raises whatever a damaged offset leads it to
        raise BundleError(f"the model's metadata cannot be read: {error}") from error
    return None


def contract(bundle: Bundle) -> str:
    """Writes the input/output contract of a bundle as Markdown.

    Args:
        bundle: the bundle.

    Returns:
        Tables for `docs/edge.md`.
    """
    manifest = bundle.manifest
    rows = []
    for side in ("inputs", "outputs"):
        for name, tensor in manifest.signature[side].items():
            shape = ", ".join(map(str, tensor["shape"]))
            rows.append(f"| {side[:-1]} | `{name}` | {tensor['dtype']} | `[{shape}]` |")
    positions = {token: bundle.vocabulary.index(token) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")}
    table = manifest.normalization
    return "\n".join(
        [
            f"Signature `{manifest.signature['name']}`:",
            "",
            "| | name | dtype | shape |",
            "|---|---|---|---|",
            *rows,
            "",
            f"- Labels, in the order of the output: {', '.join(f'`{label}`' for label in manifest.labels)}.",
            f"- Vocabulary: {len(bundle.vocabulary):,} tokens; "
            + ", ".join(f"`{token}` is {number}" for token, number in positions.items())
            + ".",
            f"- Text normalisation: `{table['name']}` version {table['version']}; SHA-256 of its table:",
            f"  `{table['sha256']}`.",
            f"- Calibration: {json.dumps(manifest.calibration) if manifest.calibration else 'none'}.",
            f"- Decision: {_decision(manifest)}.",
        ]
    )


def _decision(manifest: Manifest) -> str:
    if manifest.decision is None:
        return "the label with the highest score"
    return f"`{manifest.decision['label']}` where its score is {manifest.decision['threshold']!r} or more"


def _show(facts: dict[str, Any]) -> None:
    manifest = facts.pop("manifest")
    signature = manifest.pop("signature")
    for side in ("inputs", "outputs"):
        for name, tensor in signature[side].items():
            print(f"{side[:-1]:<16}{name}  {tensor['dtype']}  {tensor['shape']}")
    for name, value in {**manifest, **facts}.items():
        if value is None:
            continue
        if isinstance(value, dict):
            print(f"{name}:")
            width = max(map(len, map(str, value)), default=0)
            for key, item in value.items():
                print(f"  {key:<{width}}  {item if not isinstance(item, dict) else json.dumps(item)}")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{name:<16}{shown:,}" if isinstance(shown, int) else f"{name:<16}{shown}")

"""`edgeline-edge info` and `verify`: what a bundle is, and whether it can be run."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeline_edge import tokenizers
from edgeline_edge.bundle import Bundle, read_bundle
from edgeline_edge.classifier import Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import Manifest
from edgeline_edge.operators import oldest_runtime, operators
from edgeline_edge.targets import kinds as targets

# Runtimes of several years differ by up to 0.04 on quantized models (docs/edge.md).
_PROBES_APART = 0.1


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
        classifier = Classifier(bundle)
        [answer] = classifier.predict([classifier.row("The quick brown fox.")])
        apart = max((probe_distance(classifier, probe) for probe in bundle.manifest.probes or ()), default=0.0)
    if not set(answer.counted) <= {*bundle.manifest.labels, ""}:
        raise BundleError(f"{options.bundle}: answers with a label of its own")
    if apart > _PROBES_APART:
        raise BundleError(
            f"{options.bundle}: this runtime answers the bundle's own records otherwise, by {apart:.3f} of a score "
            f"or of a deviation; at most {_PROBES_APART} is rounding"
        )
    print(f"{options.bundle}: valid, runs, sha256 {digest}")
    return 0


def probe_distance(classifier: Classifier, probe: Mapping[str, Any]) -> float:
    """How far an answer lies from the one that the model gave when the bundle was made.

    Args:
        classifier: of the bundle.
        probe: one of the manifest's `probes`.

    Returns:
        The largest difference of a score; of a number, the difference in deviations of the rows that it learned from.
    """
    [outputs] = classifier.outputs([probe["record"]])
    return classifier.target.apart(outputs, np.array(probe["scores"]))


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
    return "\n".join(
        [
            f"Signature `{manifest.signature['name']}`:",
            "",
            "| | name | dtype | shape |",
            "|---|---|---|---|",
            *rows,
            "",
            *map(_input, manifest.inputs or ()),
            *([f"- Labels, in the order of the output: {', '.join(f'`{label}`' for label in manifest.labels)}."]
              if manifest.labels else []),
            *(_of_text(bundle) if manifest.has_text else ()),
            f"- Calibration: {json.dumps(manifest.calibration) if manifest.calibration else 'none'}.",
            f"- Decision: {targets.of(manifest).rule}.",
        ]
    )  # fmt: skip


def _of_text(bundle: Bundle) -> list[str]:
    """What a device must know of the text."""
    manifest = bundle.manifest
    kind, table = tokenizers.of_manifest(manifest.tokenizer), manifest.normalization
    positions = ", ".join(f"`{token}` is {number}" for token, number in kind.ids(bundle.vocabulary).items())
    return [
        f"- Vocabulary: {len(bundle.vocabulary):,} {'pieces, Unigram' if kind.spec else 'tokens'}; {positions}.",
        f"- Text normalisation: `{table['name']}` version {table['version']}; SHA-256 of its table:",
        f"  `{table['sha256']}`.",
        f"- A text that does not fit: {_long_text(manifest)}.",
    ]


def _long_text(manifest: Manifest) -> str:
    if manifest.long_text == "windows":
        return f"`windows`, at most {manifest.max_windows}, the mean of their scores"
    return f"`{manifest.long_text}`"


def _input(section: Mapping[str, Any]) -> str:
    """What a device does with a field of a record, in a line."""
    column, kind, tensors = section["column"], section["kind"], ", ".join(f"`{name}`" for name in section["tensors"])
    what = ""
    if kind == "number":
        what = f": (x - {section['mean']}) × {section['factor']}, cut at ±{section['limit']}; 1 where there is none"
    elif kind == "vector":
        steps, channels = section["shape"]
        what = f": {steps:,} × {channels:,} readings, by channel (x - mean) × factor, then 1 for each that is missing"
    elif kind == "time":
        cycles = ", ".join(name.replace("_", " ") for name in section["cycles"])
        what = f": sine and cosine of {cycles} ({section['clock']}), then 1 where there is none"
    elif kind == "category":
        what = f": 0 for none, 1 for an unknown value, from 2 on for {len(section['values']):,} values"
    return f"- `{column}`, a {kind}, becomes {tensors}{what}."


def _short(item: Mapping[str, Any]) -> str:
    """An object in a line; of a long list its length."""
    many = ("values", "means", "factors")
    shown = {key: f"{len(part):,} values" if key in many else part for key, part in item.items()}
    return json.dumps(shown, ensure_ascii=False)


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
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"{name}:")
            for item in value:
                print(f"  {_short(item)}")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{name:<16}{shown:,}" if isinstance(shown, int) else f"{name:<16}{shown}")

"""The target of a compilation, made of options and configuration, and every mistake that can be told before TFX."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from modules.inputs import kinds

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.compile import limits
from pipeline.kubeflow.contract.target import COPIED_SCHEMES, DATASET, Target, scheme
from pipeline.kubeflow.orchestrators.base import ORCHESTRATORS, orchestrator

_NAME = r"[a-z0-9][a-z0-9{}-]{{1,61}}[a-z0-9]"
_BUCKETS = {
    "gs": re.compile(_NAME.format("._")),
    "s3": re.compile(_NAME.format(".")),
    "minio": re.compile(_NAME.format(".")),
}


def make_target(
    config: Config,
    *,
    engine: str,
    image: str | None = None,
    pipeline_root: str | None = None,
    push_root: str | None = None,
    schema_version: str = "2.1",
    local: bool = False,
) -> Target:
    """Puts options and configuration together and checks them.

    Args:
        config: the task's configuration.
        engine: name of the engine.
        image: replaces `platform.image`.
        pipeline_root: replaces `platform.pipeline_root`.
        push_root: replaces `platform.push_root`.
        schema_version: `2.1` or `2.0`.
        local: allow paths of this machine, for `execute`.

    Raises:
        ConfigError: one line for each thing that the engine could not do or reach.
    """
    if engine not in ORCHESTRATORS:
        raise ConfigError(f"--engine {engine}: choose one of {', '.join(ORCHESTRATORS.kinds)}.")
    platform = config.platform
    image = image or platform.image
    root = (pipeline_root or platform.pipeline_root or "").rstrip("/")
    if not image:
        raise ConfigError("There is no image: give --image REGISTRY/NAME:TAG, or set platform.image (`make image`).")
    if not root:
        raise ConfigError("There is no pipeline root: give --pipeline-root, or set platform.pipeline_root.")
    copied = scheme(root) in COPIED_SCHEMES
    push = (push_root or platform.push_root or ("" if copied else f"{root}/pushed")).rstrip("/")
    target = Target(
        engine=engine,
        image=image,
        pipeline_root=root,
        push_root=push,
        data=config.data.path or f"{DATASET}{config.data.dataset}",
        schema=config.schema_path,
        schema_version=schema_version,
        local=local,
    )
    found = [*_image(target), *problems(config, target), *limits.problems(config, target)]
    if found:
        raise ConfigError("\n".join(found))
    return target


def problems(config: Config, target: Target) -> list[str]:
    """Which folders and files the nodes could not reach, one line each."""
    return [*_shared_folders(config, target), *_files(config, target)]


def _image(target: Target) -> Iterator[str]:
    wrong = image_problem(target.image, lasting=not target.local)  # `execute` starts no image
    if wrong:
        yield wrong


def image_problem(image: str, *, lasting: bool = True) -> str:
    """What is wrong with the name of an image; empty if nothing is.

    Args:
        image: as given.
        lasting: whether it must name the same image tomorrow.
    """
    if re.search(r"\s", image):
        return f"--image {image!r}: an image name has no white space."
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if lasting and not digest and tag in ("", "latest"):
        what = "the tag `latest` is another image every day" if tag else "there is no tag"
        return f"--image {image}: {what}; give a tag that stays, NAME:1.2, or a digest, NAME@sha256:…."
    return ""


def _bucket(uri: str) -> str:
    """What is wrong with the name of a bucket; empty if nothing is."""
    kind, bucket = scheme(uri), uri.partition("://")[2].partition("/")[0]
    if kind not in _BUCKETS or _BUCKETS[kind].fullmatch(bucket):
        return ""
    return f"{bucket!r} is no name of a bucket: 3 to 63 lower-case letters, digits and dashes"


def _shared_folders(config: Config, target: Target) -> list[str]:
    problems = []
    for option, uri in (("pipeline-root", target.pipeline_root), ("push-root", target.push_root)):
        wrong = _bucket(uri)
        # The one follows from the other, and is told once.
        if wrong and not (option == "push-root" and uri == f"{target.pipeline_root}/pushed"):
            problems.append(f"--{option} {uri}: {wrong}.")
    engine = orchestrator(target.engine)
    known = engine.root_schemes
    kind = scheme(target.pipeline_root)
    allowed = ", ".join(f"{name}://" for name in known) + (
        ", or a path under platform.volumes" if engine.volumes else ""
    )
    if kind not in known and (kind or not _mounted(config, target, target.pipeline_root)):
        why = f"{kind}:// is a scheme that it cannot write to" if kind else "it is no folder that all nodes share"
        problems.append(f"--pipeline-root {target.pipeline_root}: {why}; for {target.engine} use {allowed}.")
    if not target.push_root:
        problems.append(
            f"platform.push_root: artifacts in {kind}:// are copied by Kubeflow, pushed models are not: give "
            "--push-root, a gs:// URI or a path under platform.volumes."
        )
    elif scheme(target.push_root) != "gs" and (
        scheme(target.push_root) or not _mounted(config, target, target.push_root)
    ):
        problems.append(f"--push-root {target.push_root}: use gs://, or a path under platform.volumes.")
    return problems


def _files(config: Config, target: Target) -> list[str]:
    problems = []
    in_image = target.data.endswith(".sql")  # a query may be part of the project, rows are not
    if not target.data.startswith(DATASET) and not _readable(config, target, target.data, in_image=in_image):
        problems.append(
            f"data.path: {target.data}: the nodes cannot read it; give --data gs://…, a path under platform.volumes, "
            "or unset it to use data.dataset."
        )
    logs, table = config.data.serving_logs, config.data.augmentation.synonym_table
    if logs and not _readable(config, target, logs, in_image=False):
        problems.append(
            f"data.serving_logs: {logs}: the nodes cannot read it; use gs://…, or a path under platform.volumes."
        )
    if table and not _readable(config, target, table, in_image=True):
        problems.append(
            f"data.augmentation.synonym_table: {table}: the nodes cannot read it; use a path inside this project (it "
            "is in the image), a path under platform.volumes, or gs://…."
        )
    if not _readable(config, target, target.schema, in_image=True):
        problems.append(
            f"schema_path: {target.schema}: the nodes cannot read it; use a path inside this project (it is in the "
            "image), a path under platform.volumes, or gs://…."
        )
    main = kinds.with_backbone(config.inputs)
    return problems + [
        f"backbone.{field}: {path}: the nodes cannot read it; use a path inside this project (it is in the image) or "
        "under platform.volumes."
        for field, path in (main.backbone.files() if main else {}).items()
        if scheme(path) or not _readable(config, target, path, in_image=True)
    ]


def _readable(config: Config, target: Target, path: str, *, in_image: bool) -> bool:
    if scheme(path):
        return scheme(path) == "gs"
    if in_image and not os.path.isabs(path) and Path(path).is_file():
        return True
    return _mounted(config, target, path)


def _mounted(config: Config, target: Target, path: str) -> bool:
    if not os.path.isabs(path):
        return False
    mounts = orchestrator(target.engine).mounts(config)
    return target.local or any(path == mount or path.startswith(f"{mount}/") for mount in mounts)

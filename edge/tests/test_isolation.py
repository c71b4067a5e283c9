"""The package stands alone: no TensorFlow, few dependencies, small."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

EDGE = Path(__file__).parent.parent
ALLOWED = {"ai-edge-litert", "tokenizers", "numpy"}


def test_tensorflow_is_never_imported(bundle_path: Path) -> None:
    """With a poisoned `sys.modules`, an attempt to import TensorFlow or Keras raises."""
    script = """
import contextlib, io, pkgutil, sys
for name in ("tensorflow", "tf_keras", "keras", "tensorflow_text", "jax", "torch", "tokenizers"):
    sys.modules[name] = None
import edgeline_edge
from edgeline_edge.cli import main
for module in pkgutil.walk_packages(edgeline_edge.__path__, "edgeline_edge."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
bundle = edgeline_edge.read_bundle(sys.argv[1])
edgeline_edge.write_bundle(bundle.content, sys.argv[2], vocabulary=bundle.vocabulary, labels=bundle.manifest.labels,
                           manifest=bundle.manifest)
for command in (["info", sys.argv[2]], ["verify", sys.argv[2]], ["predict", sys.argv[2], "good film"]):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(command) == 0
"""
    target = bundle_path.with_name("copy.tflite")
    done = subprocess.run([sys.executable, "-c", script, bundle_path, target], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == bundle_path.read_bytes()


def test_every_public_name_can_be_imported() -> None:
    import edgeline_edge

    assert all(getattr(edgeline_edge, name) for name in edgeline_edge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edgeline_edge.nothing  # noqa: B018


def test_nothing_but_the_allowed_dependencies_is_declared() -> None:
    text = (EDGE / "pyproject.toml").read_text("utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block
    assert set(re.findall(r'"([A-Za-z0-9-]+)', block[1])) <= ALLOWED


def size_of(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


@pytest.mark.slow
def test_it_installs_into_an_empty_environment_and_stays_small(tmp_path: Path, bundle_path: Path) -> None:
    """`pip install ./edge` must need under 100 MB without NumPy, and the command must answer."""
    venv.create(tmp_path / "env", with_pip=True)
    folder = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = folder / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    before = {path.name for path in site.iterdir()}
    # From a copy: building in place would leave build/ and egg-info in the source tree.
    source = tmp_path / "edge"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "edgeline_edge"):
        subprocess.run(["cp", "-r", EDGE / name, source], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", source], check=True, env=environment)
    sizes = {path.name: size_of(path) for path in site.iterdir() if path.name not in before}
    without_numpy = sum(size for name, size in sizes.items() if not name.startswith("numpy")) / 1e6
    print(f"installed: {sum(sizes.values()) / 1e6:.1f} MB, without NumPy {without_numpy:.1f} MB")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:6]:
        print(f"  {name}: {size / 1e6:.1f} MB")
    out = subprocess.check_output([folder / "edgeline-edge", "predict", bundle_path, "good film"], env=environment)
    assert out.count(b"\t") == 2
    assert without_numpy < 100

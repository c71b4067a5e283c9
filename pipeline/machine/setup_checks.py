"""What `make setup` needs of a machine, looked at before anything is downloaded.

Like the other checks of `doctor` these run on any Python from 3.8 on with nothing installed.
"""

from __future__ import annotations

import base64
import glob
import importlib.util
import multiprocessing
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from pipeline.machine.checks import ROOT, Check

_NEEDED = (3, 11)
_SECONDS = 10
# Where uv publishes the interpreters that it fetches: a host of code, not the package index.
_BUILDS = "https://github.com/astral-sh/python-build-standalone/releases"
# What the screen shows of a run.
_SHOWN = "▸ ✓ … · ≥"


def environment() -> Path:
    """The folder of the environment that `make setup` makes, as the Makefile knows it."""
    return ROOT / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")


def is_set_up() -> bool:
    """Whether `make setup` has ended well here, be it for an older lock."""
    return (environment() / ".edgeline-setup").is_file()


def check_installer() -> Check:
    """What fetches uv where it is not there: this Python's pip, or the one that its `venv` brings."""
    local = ROOT / ".tools" / "uv" / "bin" / "uv"
    for program in filter(None, (shutil.which("uv"), str(local) if local.is_file() else None)):
        if _answer([program, "--version"]):
            return Check("installer", "ok", program)
    for module in ("pip", "ensurepip"):
        if importlib.util.find_spec(module):
            return Check("installer", "ok", f"no uv yet; {module} of {sys.executable} fetches it")
    advice = "Install one of them (Debian and Ubuntu: python3-venv or python3-pip), or uv itself."
    return Check("installer", "fail", f"neither uv, nor pip or ensurepip in {sys.executable}", advice)


def check_python() -> Check:
    """A Python of the version that the project needs, or a place that uv can fetch one from."""
    wanted = ".".join(map(str, _NEEDED))
    for program in _interpreters():
        version = _answer([program, "-c", "import platform; print(platform.python_version())"])
        if version.startswith(f"{wanted}."):
            return Check("Python", "ok", f"{version} at {program}")
    found = f"no Python {wanted} on this machine"
    advice = (
        f"Install Python {wanted}: Debian 12 has it as python3; elsewhere `pyenv install {wanted}`, or `conda create "
        f"-n edgeline python={wanted}` with UV_PYTHON=<that environment>/bin/python. Or name a mirror of uv's own "
        "builds: UV_PYTHON_INSTALL_MIRROR=<address or file://folder>."
    )
    if os.environ.get("UV_PYTHON_DOWNLOADS") in ("never", "manual", "false", "0") or os.environ.get("UV_OFFLINE"):
        return Check("Python", "fail", f"{found}, and uv may not fetch one", advice)
    source = os.environ.get("UV_PYTHON_INSTALL_MIRROR") or _BUILDS
    fault = _unreachable(source)
    if fault:
        return Check("Python", "fail", f"{found}, and where uv fetches one ({_host(source)}) {fault}", advice)
    return Check("Python", "ok", f"{found}; uv fetches one from {_host(source)}, not from the package index")


def check_index_answers() -> Check:
    """The package index that uv asks: a connection to it, nothing more."""
    if os.environ.get("UV_OFFLINE"):
        return Check("package index", "ok", "not asked: UV_OFFLINE is set")
    address = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or _locked_index()
    fault = _unreachable(address)
    if not fault:
        return Check("package index", "ok", f"{_host(address)} answers")
    if "certificate" in fault:
        advice = "If uv says so too: install ca-certificates, or name your own in SSL_CERT_FILE."
        return Check("package index", "warn", f"{_host(address)} {fault}", advice)
    advice = (
        "Check the network and HTTPS_PROXY. Behind a mirror: UV_DEFAULT_INDEX=<address of its simple index>. With all "
        "packages in uv's cache: UV_OFFLINE=1."
    )
    return Check("package index", "fail", f"{_host(address)} {fault}", advice)


def check_shared_memory() -> Check:
    """Semaphores between processes, which Python keeps in /dev/shm: Beam and the tests need them."""
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        advice = "Make it writable: `chmod 1777 /dev/shm`, or mount a tmpfs there (containers: --shm-size)."
        return Check("shared memory", "fail", f"/dev/shm: {getattr(error, 'strerror', None) or error}", advice)
    return Check("shared memory", "ok", "/dev/shm can be written")


def check_locale() -> Check:
    """Whether the screen can show what a run says."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        _SHOWN.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        advice = "Choose a UTF-8 locale, e.g. `export LC_ALL=C.UTF-8`: other signs are shown as question marks."
        return Check("locale", "warn", f"the screen takes {encoding}", advice)
    return Check("locale", "ok", encoding)


def check_folder() -> Check:
    """The project's own folder, into which everything is written."""
    if os.access(str(ROOT), os.W_OK | os.X_OK):
        return Check("project folder", "ok", str(ROOT))
    advice = "Clone the project to a folder of your own, or make this one yours."
    return Check("project folder", "fail", f"{ROOT} cannot be written by this user", advice)


def _interpreters() -> list[str]:
    """Where uv finds an installed Python, in its order of liking."""
    home = os.path.expanduser("~")
    wanted = ".".join(map(str, _NEEDED))
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv")
    own = os.environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(
        os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share"), "uv", "python"
    )
    named = [os.environ.get("UV_PYTHON"), str(environment() / "bin" / "python")]
    on_path = [shutil.which(name) for name in (f"python{wanted}", "python3", "python")]
    kept = [
        *glob.glob(os.path.join(glob.escape(pyenv), "versions", f"{wanted}.*", "bin", "python")),
        *glob.glob(os.path.join(glob.escape(own), f"cpython-{wanted}*", "bin", f"python{wanted}")),
    ]
    return [name for name in (*named, *on_path, sys.executable, *kept) if name and shutil.which(name)]


def _answer(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _locked_index() -> str:
    """The index that uv.lock names."""
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    found = re.search(r'registry = "([^"]+)"', text)
    if not found:
        raise ValueError("uv.lock names no index")
    return found.group(1)


def _host(address: str) -> str:
    """What may be shown of an address: no user, no password, no path."""
    parts = urllib.parse.urlsplit(address)
    return parts.hostname or address


def _unreachable(address: str) -> str:
    """Why an address does not answer; empty where it does. That it refuses to show a page is an answer, too."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "file":
        return "" if os.path.exists(urllib.request.url2pathname(parts.path)) else "is not there"
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    request = urllib.request.Request(urllib.parse.urlunsplit(plain), method="HEAD")
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            return "has a certificate that this Python does not trust"
        return f"cannot be reached: {error.reason}"
    except TimeoutError:  # its own class before Python 3.10
        return f"gave no answer in {_SECONDS} s"
    except (OSError, ValueError) as error:
        return f"cannot be reached: {error}"
    return ""

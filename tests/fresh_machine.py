"""A bare Debian in a folder, with an ordinary user in it: what somebody has who has just installed a machine.

Needs root and debootstrap. Every command runs in namespaces of its own: no mount outlives it, and killing it kills all
that it started. The package index is this machine's: its settings of pip, uv and npm and its certificates are handed
on, nothing else is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
HOME = "home/user"
USER = 1000
PATH = "/usr/local/bin:/usr/bin:/bin"
# What a tree with the environment and the files of a small run takes is half of this; doctor wants the rest to be free.
_SMALL = 10 << 30
# Where the index is, how it is reached and whom to trust; names only, the values are the machine's.
_HANDED_ON = re.compile(
    r"(PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|TRUSTED_HOST|CERT|CLIENT_CERT|DEFAULT_TIMEOUT|CONSTRAINT)"
    r"|UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS"
    r"|HTTP_TIMEOUT|PYTHON_INSTALL_MIRROR)"
    r"|npm_config_(registry|cafile)|(https?|no|all)_proxy"
    r"|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)",
    re.IGNORECASE,
)
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_SETTINGS = ("etc/pip.conf", "etc/xdg/pip", "etc/uv", "etc/npmrc", "etc/hosts", _CERTIFICATES)
_USERS_SETTINGS = (".config/pip", ".pip", ".config/uv", ".npmrc")


@dataclasses.dataclass(frozen=True)
class FreshMachine:
    """The tree of a Debian.

    Attributes:
        keeper: the process in whose mounts the tree lies.
        tree: its top folder, as the keeper sees it.
        path: where its user's shell looks for programs.
    """

    keeper: subprocess.Popen[str]
    tree: Path
    path: str = PATH

    @property
    def files(self) -> Path:
        """The top folder, as this process sees it."""
        return Path("/proc", str(self.keeper.pid), "root", *self.tree.parts[1:])

    def run(self, script: str, *, seconds: float, **environment: str) -> str:
        """Runs a shell script as the ordinary user, in the home folder, and shows what it prints.

        Args:
            script: for `sh -eu`.
            seconds: after which all of it is killed.
            **environment: variables beside those of a login and those that say where the package index is.

        Returns:
            What it printed on both streams.

        Raises:
            AssertionError: it failed, or took too long.
        """
        given = {**handed_on(os.environ), "HOME": f"/{HOME}", "USER": "user", "PATH": self.path, **environment}
        words = [f"{name}={value}" for name, value in given.items()]
        inside = ["env", "-i", *words, "sh", "-euc", f"cd /{HOME}\n{script}"]
        user = f"--userspec={USER}:{USER}"
        # `exit` keeps the shell from becoming chroot: unshare's end would not end what has changed its user.
        lines = [*self._mounts(), shlex.join(["chroot", user, "--groups=", str(self.tree), *inside]), "exit 0"]
        command = ["timeout", "--signal=KILL", str(seconds), *_among_its_mounts(self.keeper)]
        command += ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", "\n".join(lines)]
        said = []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout
            for line in process.stdout:
                print(line, end="", flush=True)
                said.append(line)
        assert process.returncode == 0, f"exit code {process.returncode} of: {script}"
        return "".join(said)

    def _mounts(self) -> Iterator[str]:
        for kind in ("dev", "sys"):
            yield shlex.join(["mount", "--rbind", f"/{kind}", str(self.tree / kind)])
        yield shlex.join(["mount", "-t", "proc", "proc", str(self.tree / "proc")])
        for folder in local_folders():
            place = folder.relative_to("/")
            (self.files / place).mkdir(parents=True, exist_ok=True)
            yield shlex.join(["mount", "-o", "bind,ro", str(folder), str(self.tree / place)])


@contextlib.contextmanager
def built(suite: str, packages: list[str], *, small: bool) -> Iterator[FreshMachine]:
    """Installs a Debian of the required packages and the given ones, and makes the user.

    Args:
        suite: Debian's name of the release, such as `bookworm`.
        packages: beside what debootstrap's `minbase` has.
        small: no more is done with it than a setup and a small run: it lies in memory, if there is plenty. To delete
            five gigabytes takes longer on a disk than all the rest.
    """
    folder = Path(tempfile.mkdtemp(prefix="edgeline-fresh-machine-"))
    in_memory = small and psutil.virtual_memory().available > 1.5 * _SMALL
    mount = f"mount -t tmpfs -o mode=755,size={_SMALL} tmpfs {folder}\n" if in_memory else ""
    try:
        with subprocess.Popen(
            # It ends, and its mounts with it, when this process closes the pipe, in whatever way.
            ["unshare", "--mount", "sh", "-euc", f"{mount}echo ready\nexec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as keeper:  # fmt: skip
            assert keeper.stdout
            assert keeper.stdout.readline() == "ready\n"
            yield _install(keeper, folder / "tree", suite, packages)
    finally:
        shutil.rmtree(folder)


def publish(machine: FreshMachine) -> str:
    """Puts what is committed here where the tree's user can clone it; returns the address."""
    address = "srv/edgeline.git"
    clone = ["git", "clone", "--quiet", "--bare", "--depth", "1", ROOT.as_uri(), str(machine.tree / address)]
    subprocess.run([*_among_its_mounts(machine.keeper), *clone], check=True)
    own(machine.files / address)
    return f"/{address}"


def add_python(machine: FreshMachine, prefix: Path = Path(sys.base_prefix)) -> FreshMachine:
    """Puts a copy of an interpreter last on the user's path: a Python 3.11 beside the tree's own.

    It lies where it lies here, since its program may name the folder of its library.
    """
    assert prefix != Path("/usr"), "this Python is Debian's own: name the folder of another in EDGELINE_FRESH_PYTHON"
    place = machine.files / prefix.relative_to("/")
    shutil.copytree(prefix, place, symlinks=True, ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__"))
    for folder in place.relative_to(machine.files).parents:
        (machine.files / folder).chmod(0o755)
    return dataclasses.replace(machine, path=f"{machine.path}:{prefix}/bin")


def own(path: Path) -> None:
    """Gives a folder and all in it to the tree's user."""
    subprocess.run(["chown", "--recursive", f"{USER}:{USER}", path], check=True)


def handed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where the package index is, without those that name a file which the tree lacks."""
    there = {f"/{setting}" for setting in _SETTINGS} | {str(folder) for folder in local_folders()}
    return {
        name: value
        for name, value in environment.items()
        if _HANDED_ON.fullmatch(name) and (not value.startswith("/") or value in there)
    }


def local_folders() -> list[Path]:
    """Folders of packages on this disk that pip's settings name; of an index the one with its pages and its files."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = re.findall(r"(?:file://|(?<=['\s]))(/[^\s'\"]+)", told)
    folders = (Path(path) for path in found)
    return sorted({path.parent if path.name == "simple" else path for path in folders if path.is_dir()})


def mirror() -> list[str]:
    """The address of this machine's Debian mirror, for debootstrap; nothing where there is none."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # debootstrap is there, but this is no Debian
        return []
    return done.stdout.split()[:1]


def _install(keeper: subprocess.Popen[str], tree: Path, suite: str, packages: list[str]) -> FreshMachine:
    enter = _among_its_mounts(keeper)
    included = f"--include={','.join(packages)}"
    command = [*enter, "debootstrap", "--variant=minbase", included, suite, str(tree), *mirror()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    subprocess.run([*enter, "chroot", tree, "useradd", "--create-home", "--uid", str(USER), "user"], check=True)
    machine = FreshMachine(keeper, tree)
    for setting in _SETTINGS:
        _hand_on(Path("/", setting), machine.files / setting)
    for setting in _USERS_SETTINGS:
        _hand_on(Path.home() / setting, machine.files / HOME / setting)
    own(machine.files / HOME)
    return machine


def _among_its_mounts(keeper: subprocess.Popen[str]) -> list[str]:
    return ["nsenter", "--target", str(keeper.pid), "--mount"]


def _hand_on(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

"""The database host's Debian root file system: built once into a cache, unpacked for each environment.

`python -m local.host.root_filesystem` builds it, where a local stack can have one.
"""

import contextlib
import errno
import hashlib
import math
import os
import re
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from durable import lock
from host.packages import catalogue
from local.common import disk_space
from local.common.errors import LocalError
from local.host.namespace import faults, throwaway
from plan.memory import cache_folder

SUITE = "trixie"
PACKAGES = catalogue.LOCAL
# LLVM (and Z3, which it loads) serves only the just-in-time compiler, which host/ turns off: 130 MB.
LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/i18n/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libz3*",
    "/usr/lib/postgresql/*/lib/bitcode/*",
)
# Before the packages: make no cluster and start no service. After them: localhost is the loopback address alone.
BEFORE = (
    'mkdir -p "$1/etc/postgresql-common"'
    ' && echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"'
    ' && printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"'
)
AFTER = 'echo "127.0.0.1 localhost" > "$1/etc/hosts"; rm -f "$1/etc/resolv.conf"'

KEY_LENGTH = 12
BUILDING = "building-"
"""What begins the names, in the cache, of the folders that are built in, and of their locks."""
RUN_SECONDS = 300
NO_SPACE = os.strerror(errno.ENOSPC)
# The lines of mmdebstrap's report that say what it does next.
STEPS = (
    "I: running apt-get",
    "I: downloading",
    "I: extracting",
    "I: installing",
    "I: cleaning",
    "I: creating",
)

Progress = Callable[[str], None]


def cached(progress: Progress) -> Path:
    """The built root as a tar file; builds it first (about 40 s, 450 MB) where the cache has none.

    Raises LocalError when it cannot be built. A build that is killed leaves nothing that a later call trusts.
    """
    tar = _tar()
    _make(tar.parent)
    if not tar.exists():
        with building("root", progress) as folder:
            if not tar.exists():
                _build(tar, folder, progress)
    return tar


@contextmanager
def building(name: str, progress: Progress) -> Iterator[Path]:
    """An empty folder for the one build of this name; what a killed one left goes first, and all of it in the end.

    Of a build that failed, a full disk gets back what it took.
    """
    folder = cache_folder() / f"{BUILDING}{name}"
    with locked(folder.with_suffix(".lock"), progress):
        remove(folder)
        folder.mkdir()
        spread(folder)
        try:
            yield folder
        finally:
            remove(folder)


def spread(folder: Path) -> None:
    """Have ext4 put what is made in the folder far from each other.

    It passes over each file that was deleted nearby in the last minutes for each that is made: a root after another
    took 8 s, and spread 0.7 s. A file system without this mark has no such need.
    """
    with suppress(FileNotFoundError):
        subprocess.run(["chattr", "+T", folder], capture_output=True, check=False)


def unpack(tar: Path, root: Path) -> None:
    """Make root from tar; root exists only when all of it is there. Raises LocalError, and nothing stays."""
    unfinished = root.with_name(f"{root.name}.unfinished")
    remove(unfinished)
    root.parent.mkdir(parents=True, exist_ok=True)
    spread(root.parent)
    unfinished.mkdir()
    # Device nodes cannot be made by an ordinary user: the namespace mounts the machine's /dev.
    try:
        _run(["tar", "-C", str(unfinished), "--numeric-owner", "--exclude=./dev/*", "-xf", str(tar)], "unpack")
    except LocalError as error:
        remove(unfinished)
        if NO_SPACE not in str(error):
            raise
        # tar says so of every file.
        raise LocalError(disk_space.too_little(root, disk_space.NEW_BYTES)) from None
    unfinished.rename(root)


def remove(root: Path) -> None:
    """Remove root, whose files belong to mapped users; fine when it is not there."""
    if root.exists():
        _run(["rm", "-rf", "--one-file-system", str(root)], "remove")


def remove_cache(progress: Progress) -> None:
    """Remove what `cached` made, in all its versions, and nothing else: the folder may hold other things."""
    folder = cache_folder()
    if not folder.is_dir():
        return
    for path in folder.glob(f"{BUILDING}*.lock"):
        with locked(path, progress):
            remove(path.with_suffix(""))
            path.unlink()
    for tar in folder.glob(f"debian-*-{'[0-9a-f]' * KEY_LENGTH}.tar"):
        tar.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def versions() -> dict[str, str]:
    """Versions of all packages in the built root; none where it is not built. Debian's archive has only the newest."""
    status = _output(["tar", "-xOf", str(_tar()), "--occurrence=1", "./var/lib/dpkg/status"], seconds=30)
    return dict(re.findall(r"^Package: (\S+)$(?:\n.+)*?\nVersion: (\S+)$", status, re.MULTILINE))


def _tar() -> Path:
    return cache_folder() / f"debian-{SUITE}-{_key()}.tar"


def _key() -> str:
    """Changes with anything that changes the build's outcome."""
    return hashlib.sha256("\n".join(_mmdebstrap("", "")).encode()).hexdigest()[:KEY_LENGTH]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(f"{folder}: can't be made: {error.strerror}; name another in HYBRID_CACHE") from error


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """However long another build takes."""
    with contextlib.ExitStack() as stack:
        try:
            try:
                stack.enter_context(lock.hold(path, {}))
            except lock.HeldError:
                progress("waiting for another build of the root file system")
                stack.enter_context(lock.hold(path, {}, wait_seconds=math.inf))
        except OSError as error:
            raise LocalError(
                f"{path}: can't be written: {error.strerror}; name another folder in HYBRID_CACHE"
            ) from error
        yield


def _build(tar: Path, folder: Path, progress: Progress) -> None:
    unfinished = folder / "root.tar"
    command = throwaway(["env", f"TMPDIR={folder}", *_mmdebstrap(str(unfinished), mirror())])
    lines: deque[str] = deque(maxlen=8)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            for line in process.stderr or ():
                lines.append(line.strip())
                if line.startswith(STEPS):
                    progress(line.removeprefix("I: ").strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise LocalError(f"root file system: mmdebstrap failed: {' | '.join(lines)}")
    unfinished.rename(tar)


def _mmdebstrap(tar: str, mirror: str) -> list[str]:
    return [
        "mmdebstrap",
        # Its own mode for ordinary users is not needed: it runs in a namespace already, and is root there.
        "--mode=root",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--essential-hook={BEFORE}",
        f"--customize-hook={AFTER}",
        SUITE,
        tar,
        mirror,
    ]


def mirror() -> str:
    """The Debian archive that this machine's apt uses, or $HYBRID_DEBIAN_MIRROR."""
    own = os.environ.get("HYBRID_DEBIAN_MIRROR")
    if own:
        return own
    fields = "$(CREATED_BY) $(COMPONENT) $(ORIGIN) $(LABEL) $(SITE)"
    found = _output(["apt-get", "indextargets", "--format", fields], seconds=30)
    sites = [line.split()[-1] for line in found.splitlines() if line.startswith("Packages main Debian Debian ")]
    if not sites:
        raise LocalError(
            "root file system: apt knows no Debian archive: run apt-get update, or set HYBRID_DEBIAN_MIRROR"
        )
    return sites[0]


def _output(argv: list[str], *, seconds: float) -> str:
    """What a command prints; nothing when it is not there, or does not end."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _run(argv: list[str], act: str) -> None:
    try:
        result = subprocess.run(
            throwaway(argv),
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LocalError(
            f"root file system: cannot {act}: {shlex.join(argv)}: did not end within {RUN_SECONDS} s"
        ) from None
    if result.returncode != 0:
        raise LocalError(f"root file system: cannot {act}: {shlex.join(argv)}: {result.stderr.strip()}")


def main() -> int:
    """Builds the root; does nothing, with exit 0, where no namespaces are: a container engine then stands in."""
    if faults():
        return 0
    if not _tar().exists():
        print("building the root file system of the database host", file=sys.stderr)
    try:
        cached(lambda _: None)
    except LocalError as error:
        print(f"hybrid: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

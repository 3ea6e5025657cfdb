"""Linux namespaces that hold a root file system's processes and mounts, so that nothing outlives them.

As root: mount, pid and ipc namespaces. As an ordinary user: a user namespace around them, whose root is that user
and whose other users are the user's subordinate range.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

TOOLS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "setpriv": "util-linux",
    "chroot": "coreutils",
    "tar": "tar",
    "mmdebstrap": "mmdebstrap",
}
# An ordinary user's PATH has no sbin on Debian, where chroot lives.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

# PostgreSQL keeps shared memory in /dev/shm: a tmpfs of its own ends with the namespace, even after kill -9.
PREPARE = """set -e
root=$1; shift
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t proc proc "$root/proc"
exec "$@"
"""

PROBE_SECONDS = 10
SUBORDINATES = (Path("/etc/subuid"), Path("/etc/subgid"))
SWITCHES = {
    "kernel/unprivileged_userns_clone": "1",
    "kernel/apparmor_restrict_unprivileged_userns": "0",
}


def launch(argv: Sequence[str], root: Path) -> list[str]:
    """The command line that runs argv as PID 1 of fresh namespaces, with /dev, /proc and /run mounted in root.

    unshare stays as the parent and ignores SIGINT and SIGTERM: end argv, or kill unshare with SIGKILL, and the
    kernel ends every process and mount inside.
    """
    return [*_unshare(), "sh", "-c", PREPARE, "sh", str(root), *argv]


def first_process(unshare: int) -> int | None:
    """The process that is PID 1 of what launch's command line (running as process `unshare`) made; None until then.

    For a moment unshare has other children too, which map users and stay in this machine's namespaces.
    """
    try:
        for child in Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split():
            if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                return int(child)
    except OSError:  # Ended in between.
        pass
    return None


def enter(pid: int, argv: Sequence[str]) -> list[str]:
    """The command line that runs argv, in this working directory, inside the namespaces of process pid."""
    user = [] if _is_root() else ["--user"]
    spaces = [*user, "--mount", "--pid", "--ipc", f"--wdns={os.getcwd()}"]
    return ["nsenter", "--target", str(pid), *spaces, "--", "env", f"PATH={PATH}", *argv]


def throwaway(argv: Sequence[str]) -> list[str]:
    """The command line that runs argv once in fresh namespaces; both end with the process that starts it."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *_unshare(), *argv]


def faults() -> list[str]:
    """What keeps namespaces and root file systems from being made here, and what to do about it."""
    missing = [
        f"{tool}: not found; install the package {package}"
        for tool, package in _tools().items()
        if not which(tool, path=PATH)
    ]
    found = missing + ([] if _is_root() else _subordinate_faults() + _switch_faults())
    return found or _probe_faults()


def _unshare() -> list[str]:
    user = [] if _is_root() else ["--user", "--map-root-user", "--map-auto"]
    spaces = [*user, "--mount", "--mount-proc", "--pid", "--ipc", "--fork", "--kill-child"]
    return ["unshare", *spaces, "--", "env", f"PATH={PATH}"]


def _is_root() -> bool:
    return os.geteuid() == 0


def _tools() -> dict[str, str]:
    return TOOLS if _is_root() else TOOLS | {"newuidmap": "uidmap", "newgidmap": "uidmap"}


def _subordinate_faults() -> list[str]:
    """Faults of /etc/subuid and /etc/subgid, whose lines are user:first:count (subuid(5))."""
    user = _user()
    return [
        f"{path}: no range for {user}; as root: echo {user}:100000:65536 >>{path}, with a range that no line there has"
        for path in SUBORDINATES
        if not (path.exists() and any(line.split(":")[0] in (user, str(os.getuid())) for line in _lines(path)))
    ]


def _user() -> str:
    """The user's name, or number where it has no name, as in many containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def _switch_faults() -> list[str]:
    """Kernel switches, each only on some distributions, that forbid user namespaces to ordinary users."""
    found = []
    for switch, wanted in SWITCHES.items():
        path = Path("/proc/sys") / switch
        if path.exists() and path.read_text().strip() != wanted:
            name = switch.replace("/", ".")
            found.append(f"{name}: forbids user namespaces; as root: sysctl -w {name}={wanted}")
    return found


def _probe_faults() -> list[str]:
    """Try a namespace: a container's filter or a masked /proc can forbid what every switch allows."""
    probe = throwaway(["true"])
    try:
        result = subprocess.run(probe, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [f"namespaces: one could not be made within {PROBE_SECONDS} s"]
    return [] if result.returncode == 0 else [f"namespaces: refused here: {result.stderr.strip()}"]

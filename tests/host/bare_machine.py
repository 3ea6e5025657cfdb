"""A bare machine: minimal Debian under its own systemd, as a cloud's instance is before the playbook comes."""

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from host.packages import catalogue
from local.host import namespace, root_filesystem
from local.host.namespace import first_process, throwaway
from plan.memory import cache_folder
from tests.commands import ran
from tests.host.authority import authority
from tests.host.running import PROJECT, children, members, pid_namespace
from tests.host.specs import spec
from tests.host.store import ObjectStore
from tests.run import cgroups
from tests.waiting import LIMIT_SECONDS, until

NSPAWN = "systemd-nspawn"
SYSTEM = ("systemd", "systemd-sysv", "dbus", "python3", "iproute2")
# Laid ready in apt's own cache: the machine has no network, as an instance whose mirror is away.
FETCHED = (*catalogue.LOCAL, *catalogue.MACHINE, catalogue.TIME_SERVICES[-1])
FETCH = (
    "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --yes -qq --no-install-recommends --download-only"
    f" {' '.join(FETCHED)}"
)
LOCK = PROJECT / "host/requirements.lock"
LIBRARIES = "/opt/libraries"
# What host/ imports, of the locked versions, for the Python of the root. As in the Makefile, by pip where uv can't.
INSTALL = f"""
version=$(chroot "$1" python3 -c 'import sys; print(*sys.version_info[:2], sep=".")')
set -- --quiet --target "$1{LIBRARIES}" --only-binary :all: --require-hashes --requirement {LOCK} \\
    --python-version "$version"
"$PYTHON" -m uv pip install "$@" || "$PYTHON" -m pip install --no-compile "$@"
"""
# Where components/host/templates/converge.sh makes a release with a Python of its own.
RELEASE_PYTHON = "opt/hybrid/current/venv/bin/python"
# Compiled once: what is there was compiled by the Python that fetched it, and the playbook's folder is read-only.
PYTHON = ("env", f"PYTHONPATH=/opt/hybrid:{LIBRARIES}", "PYTHONPYCACHEPREFIX=/var/cache/python", "python3", "-P")
RUN_RELEASE = f'#!/bin/sh\nexec {" ".join(PYTHON)} "$@"\n'
DISK = "/dev/xvdf"
DISK_MB = 8192
IMAGE = "disk.img"
# systemd leaves fstab's devices alone in a container; this unit stands in for that line, for what requires the mount.
MOUNT = "etc/systemd/system/var-lib-postgresql.mount"
MOUNT_UNIT = f"[Mount]\nWhat={DISK}\nWhere=/var/lib/postgresql\nType=ext4\n"
# Of an application, where others keep the machine busy.
LONGEST_SECONDS = 900
# In the machine's own network, where nothing else is; what it has outlives the machine's end, as in the cloud.
STORE_PORT, STORE_CA = 9000, "/etc/store-ca.crt"
# systemd-nspawn makes folders in /run and groups of processes beside its own; of the latter, two machines in one would
# end each other's services.
AROUND = """set -e
mount -t tmpfs tmpfs /run
for group in $OF_ITS_OWN; do echo 0 >"$group/cgroup.procs"; done
exec "$@"
"""
# Its first test waits until the machine has converged, also where another worker has it converge.
MARKS = [pytest.mark.slow, pytest.mark.timeout(LONGEST_SECONDS), pytest.mark.random_order(disabled=True)]


def fault() -> str:
    """Why no machine can be booted here; nothing when one can."""
    if os.geteuid() != 0:
        return "booting a machine needs root"
    if not any((Path(folder) / NSPAWN).exists() for folder in ("/usr/bin", "/bin")):
        return f"{NSPAWN} is not there; install the package systemd-container"
    return ""


def tar() -> Path:
    """The bare root with all packages fetched and none of the database's installed; built once."""
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=tar",
        "--skip=cleanup/apt",
        f"--include={','.join(SYSTEM)}",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in root_filesystem.LEFT_OUT),
        f"--customize-hook={FETCH}",
        f"--customize-hook={INSTALL.strip()}",
        root_filesystem.SUITE,
    ]
    content = "\n".join(command).replace(str(PROJECT), "").encode() + LOCK.read_bytes()
    key = hashlib.sha256(content).hexdigest()[: root_filesystem.KEY_LENGTH]
    made = cache_folder() / f"debian-{root_filesystem.SUITE}-bare-{key}.tar"
    made.parent.mkdir(parents=True, exist_ok=True)
    if made.exists():
        return made
    # Beside the build of the other root: each of them waits half of its time.
    with root_filesystem.building("bare", print) as folder:
        if not made.exists():
            fresh = folder / made.name
            built = ran(
                throwaway([*command, str(fresh), root_filesystem.mirror()]),
                env=os.environ | {"PYTHON": sys.executable, "TMPDIR": str(folder)},
                timeout=600,
            )
            assert built.returncode == 0, built.stderr[-2000:]
            fresh.rename(made)
    return made


class BareMachine:
    """A machine that is booted and driven from outside."""

    def __init__(self, root: Path, disk: Path) -> None:
        self.root = root
        self.devices = {DISK: disk}
        """Where in the machine each device of this one appears."""
        (root / MOUNT).write_text(MOUNT_UNIT)
        self.release_python = root / RELEASE_PYTHON
        self.release_python.parent.mkdir(parents=True, exist_ok=True)
        self.release_python.write_text(RUN_RELEASE)
        self.release_python.chmod(0o755)
        self.playbook = PROJECT / "host"
        self.console = root.with_name("console.log")
        self.first: dict[str, Any] = {}
        self._pid = 0
        self._namespace = ""
        self._around: subprocess.Popen[bytes] | None = None
        self._store: ObjectStore | None = None

    @contextmanager
    def booted(self) -> Iterator[None]:
        """Runs until the end of the block, which is as if its power were cut."""
        nspawn = [
            NSPAWN,
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--private-network",
            "--resolv-conf=off",
            f"--directory={self.root}",
            "--machine=hybrid-bare",
            f"--bind-ro={self.playbook}:/opt/hybrid/host",
            f"--bind-ro={PROJECT / 'durable'}:/opt/hybrid/durable",
            *(f"--bind={device}:{path}" for path, device in self.devices.items()),
            "--boot",
        ]
        try:
            with self.console.open("a") as console:
                made = " ".join(map(str, cgroups.made()))
                around = throwaway(["env", f"OF_ITS_OWN={made}", "sh", "-c", AROUND, "sh", *nspawn])
                self._around = subprocess.Popen(around, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
            self._pid = until(self._system)
            self._namespace = pid_namespace(self._pid)
            # It is there as the machine boots: PostgreSQL asks it before it starts.
            self._start_store()
            until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"))
            yield
        finally:
            self.power_off()

    def _system(self) -> int | None:
        """The machine's first process, once it is systemd."""
        assert self._around
        assert self._around.poll() is None, self.console.read_text()[-2000:]
        nspawn = first_process(self._around.pid)
        if nspawn is None:
            return None
        for pid in children(nspawn):
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n" and pid_namespace(pid) != pid_namespace(nspawn):
                    return pid
        return None

    def _start_store(self) -> None:
        (self.root / STORE_CA.removeprefix("/")).write_text(authority("2026").pem)
        bucket = spec()["backup"]["bucket"]
        folder = self.root.with_name("store")
        folder.mkdir(exist_ok=True)
        self._store = ObjectStore(folder, STORE_PORT, inside=self.network, bucket=bucket)

    def power_off(self) -> None:
        """Ends the machine as if its power were cut; fine when it is off."""
        if self._store:
            self._store.stop()
            self._store = None
        if self._around:
            self._around.kill()
            self._around.wait(LIMIT_SECONDS)
            self._around = None
            until(lambda: not members(self._namespace))
            for cgroup in cgroups.own():
                cgroups.remove(cgroup)
        self._pid = 0

    @property
    def network(self) -> list[str]:
        """What a program of this machine's is started by that reaches the machine's ports."""
        return ["nsenter", "--target", str(self._pid), "--net", "--"]

    def command(self, *argv: str) -> list[str]:
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["nsenter", "--target", str(self._pid), *spaces, "--", "env", "-i", path, "LC_ALL=C.UTF-8", *argv]

    def run(self, *argv: str, seconds: float = LONGEST_SECONDS, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return ran(self.command(*argv), input=stdin, timeout=seconds)

    def told(self, *argv: str) -> str:
        """What a command prints, which has to succeed."""
        answer = self.run(*argv)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def command_lines(self) -> dict[int, str]:
        """Command lines of the machine's processes, by their ids on this one."""
        found = {}
        for pid in members(pid_namespace(self._pid)):
            with suppress(OSError):  # Ended in between.
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        return found

    def playing(self, module: str, specification: dict[str, Any], *options: str) -> list[str]:
        """The command line of host.converge or host.apply; the specification is in place."""
        path = self.root / "opt/hybrid/specification.json"
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(specification))
        return self.command(*PYTHON, "-m", module, "/opt/hybrid/specification.json", *options)

    def converge(self, specification: dict[str, Any], *options: str) -> dict[str, Any]:
        """The report, with the exit code, the words and how long it took."""
        return _report(self.playing("host.converge", specification, *options))

    def apply(self, stage: str, specification: dict[str, Any]) -> dict[str, Any]:
        """One stage by itself."""
        return _report(self.playing("host.apply", specification, "--root", "/", "--stage", stage))


def _report(argv: list[str]) -> dict[str, Any]:
    start = processor_seconds()
    answer = ran(argv, timeout=LONGEST_SECONDS)
    assert answer.stdout, answer.stderr
    report: dict[str, Any] = json.loads(answer.stdout)
    seconds = processor_seconds() - start
    return report | {"exit": answer.returncode, "stderr": answer.stderr, "processor_seconds": seconds}


def processor_seconds() -> float:
    """Processor time of all that was started and has ended: the same whatever else keeps this machine busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def loop_device(folder: Path, *, megabytes: int, is_kept: bool = False) -> Iterator[Path]:
    """A disk, blank unless its sparse file is there; /dev/loopN."""
    image = folder / IMAGE
    with image.open("ab") as file:
        file.truncate(megabytes * 1024 * 1024)
    command = ["losetup", "--find", "--show", str(image)]
    made = ran(command)
    if made.returncode:
        pytest.skip(f"no loop device can be made here: {made.stderr.strip()}")
    device = Path(made.stdout.strip())
    try:
        # Detached while it is open it lasts until nobody has it open any more, whatever ends the tests.
        with device.open("rb"):
            subprocess.run(["losetup", "--detach", str(device)], check=True)
            yield device
        until(lambda: not Path(f"/sys/block/{device.name}/loop").exists())
    finally:
        if not is_kept:
            image.unlink()


if __name__ == "__main__" and not [one for one in (fault(), *namespace.faults()) if one]:
    try:
        tar()
    except KeyboardInterrupt:
        sys.exit(130)

"""Installs the Debian packages that a job needs, or says what to install. Runs before the virtual environment exists.

python3 scripts/debian_packages.py up|test
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

# What is looked for, and the Debian package that has it. A container engine stands in for the first two.
COMMANDS = {"mmdebstrap": "mmdebstrap"}
ORDINARY_USER_COMMANDS = {"newuidmap": "uidmap"}
TEST_COMMANDS = {"chromium": "chromium"}
# A machine that is booted under systemd, and a firewall in a network of its own, can be had by root alone.
ROOT_TEST_COMMANDS = {"systemd-nspawn": "systemd-container", "nft": "nftables", "ip": "iproute2"}
OPTIONAL_COMMANDS = {"knotd": "knot"}
# What the local stack has not without the package.
OPTIONAL_USES = {"knot": "DNS"}
SBIN = "/usr/sbin:/sbin"


def missing(job: str, *, is_root: bool) -> Iterator[str]:
    """Packages that are needed and not there."""
    wanted = {**COMMANDS, **({} if is_root else ORDINARY_USER_COMMANDS)}
    if job == "test":
        wanted |= TEST_COMMANDS | (ROOT_TEST_COMMANDS if is_root else {})
    yield from _packages_of(wanted)
    if importlib.util.find_spec("ensurepip") is None:
        yield f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def optional() -> list[str]:
    """Packages that are not there, and that the rest goes without."""
    return list(_packages_of(OPTIONAL_COMMANDS))


def _packages_of(commands: dict[str, str]) -> Iterator[str]:
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    yield from (package for command, package in commands.items() if not shutil.which(command, path=path))


def without_replaced(packages: list[str]) -> list[str]:
    """The packages less those that a working container engine makes superfluous."""
    replaceable = {*COMMANDS.values(), *ORDINARY_USER_COMMANDS.values()}
    if not replaceable & {*packages} or not has_container_engine():
        return packages
    return [package for package in packages if package not in replaceable]


def has_container_engine() -> bool:
    """Whether Compose is there and an engine answers; local/host/container.py looks closer when it is used."""
    return all(_succeeds(["docker", *arguments]) for arguments in (["compose", "version"], ["info"]))


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install(packages: list[str]) -> str:
    """What went wrong; nothing when all is there."""
    print(f"installing {', '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL, env=environment, check=False).returncode:
            return f"apt-get {command[0]} failed; "
    if "knot" in packages:
        # Debian starts it as the machine's own name server; the stack starts one for itself.
        _succeeds(["systemctl", "disable", "--now", "knot.service"])
    return ""


def main() -> int:
    job = sys.argv[1] if len(sys.argv) == 2 else ""
    if job not in ("up", "test"):
        print(__doc__, file=sys.stderr)
        return 2
    is_root = os.geteuid() == 0
    packages, extra = sorted(missing(job, is_root=is_root)), optional()
    if not packages and not extra:
        return 0
    fault = ""
    if is_root and shutil.which("apt-get"):
        fault = install(packages) if packages else ""
        packages = packages if fault else []
        # By itself: what the rest goes without holds nothing up.
        extra = extra if fault or (extra and install(extra)) else []
    for package in extra:
        lacking = OPTIONAL_USES[package]
        print(f"{package}: not installed (Debian package {package}): the local stack has no {lacking}", file=sys.stderr)
    packages = without_replaced(packages)
    if not packages:
        return 0
    print(
        f"{fault}missing: {', '.join(packages)} (names of Debian 12's packages); install them, then try again.",
        file=sys.stderr,
    )
    print(f"On Debian, as root: apt-get install {' '.join(packages)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

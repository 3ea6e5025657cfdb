"""What a run of the tests has left on the machine: found by what that run alone has, and ended."""

import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from local.common.errors import LocalError
from local.host import root_filesystem
from tests.run import cgroups

MARK = "HYBRID_TEST_RUN"
"""Variable in the environment of all that a run starts: the run's folder."""
LIMIT_SECONDS = 20
ENDING_SECONDS = 2
"""What ends with its parent, as a resource tracker of Python's, may take a moment longer."""


def processes(folder: Path) -> list[psutil.Process]:
    """All whose environment names the folder, but for this process and those above it.

    A local stack hands little of an environment on, and the mark not: its parts know their own folder in this one.
    """
    here = psutil.Process()
    mine = {here.pid, *(above.pid for above in here.parents())}
    return [process for process in psutil.process_iter() if process.pid not in mine and _is_marked(process, folder)]


def _is_marked(process: psutil.Process, folder: Path) -> bool:
    try:
        is_ours = any(str(folder) in value for value in process.environ().values())
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):  # Ended in between, or another user's.
        return False


def mounts(folder: Path) -> list[str]:
    """Mount points in the folder, the innermost first."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def loop_devices(folder: Path) -> list[str]:
    """Those whose image is in the folder."""
    command = ["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False).stdout
    except FileNotFoundError:
        return []
    devices = json.loads(listed)["loopdevices"] if listed.strip() else []
    return [one["name"] for one in devices if str(one["back-file"] or "").startswith(f"{folder}/")]


def end_all(folder: Path) -> list[str]:
    """Ends all that is left and removes the folder; what was left, a line each."""
    found = []
    psutil.wait_procs(processes(folder), timeout=ENDING_SECONDS)
    # The outermost of a namespace takes the rest along; what is started meanwhile is met in the next round.
    while left := processes(folder):
        found += [f"process {process.pid}: {_words(process)}" for process in left]
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        _, alive = psutil.wait_procs(left, timeout=LIMIT_SECONDS)
        if alive:
            break
    for point in mounts(folder):
        found.append(f"mount {point}")
        subprocess.run(["umount", "--lazy", point], check=False, timeout=LIMIT_SECONDS)
    for group in cgroups.abandoned():
        # Another run's may be among them, so they are no fault of this one.
        with suppress(OSError):
            cgroups.remove(group)
    for device in loop_devices(folder):
        found.append(f"loop device {device}")
        subprocess.run(["losetup", "--detach", device], check=False, timeout=LIMIT_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        # An ordinary user's roots belong to mapped users; where there are no namespaces, there are none of these.
        with suppress(LocalError):
            root_filesystem.remove(folder)
    return found + ([f"folder {folder}"] if folder.exists() else [])


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:160]
    except psutil.Error:
        return "ended meanwhile"

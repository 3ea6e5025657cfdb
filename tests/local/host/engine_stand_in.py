"""A `docker` for tests: it understands what local/host/container.py asks, and runs the container in namespaces.

In place of the image it has the cached root file system, so Python and host/ come from outside of it. Its folder is
$DOCKER_CONFIG, which reaches it through the supervisor too. It is asked some fifteen times for each `up`: what takes
long to import is imported where it is needed.
"""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from local.host import namespace

FOLDER = Path(os.environ["DOCKER_CONFIG"])
PROJECT = Path(__file__).resolve().parents[3]
ROOT, CONTAINER, LAUNCHER = FOLDER / "root", FOLDER / "container.json", FOLDER / "launcher"


def main(arguments: list[str]) -> int:
    with (FOLDER / "calls").open("a") as log:
        log.write(" ".join(arguments) + "\n")
    match arguments:
        case ["compose", "version"]:
            print("Docker Compose version v2")
        case ["info", *_]:
            print(os.uname().nodename, "[name=seccomp,profile=builtin]")
        case ["image", "inspect", name]:
            return 0 if (FOLDER / name).exists() else 1
        case ["inspect", *_, _name]:
            print(first_process() or 0)
            return 0 if CONTAINER.exists() else 1
        case ["start", "--attach", _name]:
            return start()
        case ["exec", *options]:
            return execute_recovery(options)
        case ["compose", "--project-name", _, "--file", _, command, *options]:
            return {"build": build, "create": create, "exec": execute, "down": down}[command](options)
        case _:
            return 64
    return 0


def first_process() -> int | None:
    return namespace.first_process(int(LAUNCHER.read_text())) if LAUNCHER.exists() else None


def start() -> int:
    given = json.loads(CONTAINER.read_text())
    subprocess.run(
        namespace.throwaway(["install", "-D", "-m", "644", given["ca"], f"{ROOT}/etc/hybrid/objects-ca.crt"])
    )
    entry = [sys.executable, "-P", "-m", "host.container", given["spec"], "--root", str(ROOT)]
    # As with the engine, what runs in the container is not ended with this command.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(namespace.launch(entry, ROOT), env=environment, start_new_session=True)
    LAUNCHER.write_text(str(process.pid))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first_process() or process.pid, signal.SIGTERM))
    return process.wait()


def build(_options: list[str]) -> int:
    (FOLDER / f"hybrid-database:{os.environ['HYBRID_IMAGE']}").touch()
    return 0


def create(options: list[str]) -> int:
    if "--force-recreate" in options:
        stop()
    CONTAINER.write_text(json.dumps({"spec": os.environ["HYBRID_HOST_SPEC"], "ca": os.environ["HYBRID_OBJECTS_CA"]}))
    if not ROOT.exists():
        from local.host import root_filesystem

        root_filesystem.unpack(root_filesystem.cached(print), ROOT)
    return 0


def execute(options: list[str]) -> int:
    pid = first_process()
    if pid is None:
        print('service "database" is not running', file=sys.stderr)
        return 1
    match options:
        case ["-T", "--user", "postgres", "database", *argv]:
            argv = ["chroot", "--userspec=postgres:postgres", str(ROOT), *argv]
        case ["-T", "database", "python", *rest]:
            argv = python(rest)
        case _:
            return 64
    return subprocess.run(namespace.enter(pid, argv)).returncode


def execute_recovery(options: list[str]) -> int:
    """host.recovery, which has its request on stdin, and the signal that ends it."""
    from local.host.container import RECOVERY_PID

    noted = f"{ROOT}{RECOVERY_PID}"
    match options:
        case ["--interactive", _name, "sh", "-c", script, path, "python", *rest] if path == RECOVERY_PID:
            argv = ["sh", "-c", script, noted, *python(rest)]
        case [_name, "sh", "-c", script]:
            argv = ["sh", "-c", script.replace(RECOVERY_PID, noted)]
        case _:
            return 64
    pid = first_process()
    return subprocess.run(namespace.enter(pid, argv)).returncode if pid else 1


def python(arguments: list[str]) -> list[str]:
    """A module of ours, with the container's paths as they are from outside of its root."""
    from local.host.container import SPEC

    inner = {SPEC: json.loads(CONTAINER.read_text())["spec"], "/": str(ROOT)}
    return ["env", f"PYTHONPATH={PROJECT}", sys.executable, *(inner.get(word, word) for word in arguments)]


def down(options: list[str]) -> int:
    stop()
    CONTAINER.unlink(missing_ok=True)
    if "--volumes" in options:
        from local.host import root_filesystem

        root_filesystem.remove(ROOT)
    if "--rmi" in options:
        (FOLDER / f"hybrid-database:{os.environ['HYBRID_IMAGE']}").unlink()
    return 0


def stop() -> None:
    pid = first_process()
    if pid:
        handle = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        select.select([handle], [], [], 60)
    LAUNCHER.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The Dockerfile's own steps, run against a root file system in place of an engine, and the host that they make."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.host import namespace, root_filesystem
from tests.host.running import TIED
from tests.host.specs import spec
from tests.host.store import ObjectStore
from tests.run.ports import claim_some
from tests.run.soak import IS_SOAK
from tests.waiting import LIMIT_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]
# What an engine gives to a build besides what the Dockerfile says.
GIVEN = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WHEELS = "wheels"
# Of one step, where others keep the machine busy.
BUILD_SECONDS = 900
pytestmark = pytest.mark.timeout(BUILD_SECONDS)


def steps() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its text, in order."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(kind, rest) for kind, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


class Image:
    """A root file system and what the instructions say of its programs' surroundings."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = [GIVEN]
        self.folder = "/"
        self.entry: list[str] = []

    def build(self, folder: Path) -> None:
        for kind, text in steps():
            match kind:
                case "FROM":
                    assert text == f"debian:{root_filesystem.SUITE}-slim"
                    self._base()
                case "RUN":
                    self._fetch(text, folder)
                    self._finish(self.inside(["sh", "-c", text]))
                case "COPY":
                    source, target = text.split()
                    content = f"{ROOT / source}/." if (ROOT / source).is_dir() else str(ROOT / source)
                    self._finish(namespace.throwaway(["mkdir", "-p", str(Path(f"{self.root}{target}").parent)]))
                    self._finish(namespace.throwaway(["cp", "-rT", content, f"{self.root}{target}"]))
                case "ENV":
                    self.environment += shlex.split(text)
                case "WORKDIR":
                    self.folder = text
                case "ENTRYPOINT":
                    self.entry = json.loads(text)
                case _:
                    pytest.fail(f"{kind}: not known to this test")

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs a program in the image."""
        arguments = ["env", "-i", *self.environment, "sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *argv]
        return namespace.launch(["chroot", str(self.root), *arguments], self.root)

    def _base(self) -> None:
        """Base image: from nothing in the soak; else the root file system, which has its packages already but Python.

        That both name the same packages is tested beside compose.yaml.
        """
        if IS_SOAK:
            made = ["mmdebstrap", "--mode=root", "--variant=minbase", '--aptopt=Acquire::Languages "none"']
            made += ["--dpkgopt=force-unsafe-io", "--format=directory", root_filesystem.SUITE, str(self.root)]
            self._finish(namespace.throwaway([*made, root_filesystem.mirror()]))
        else:
            root_filesystem.unpack(root_filesystem.cached(print), self.root)
        # As an engine does: the machine's names and proxies are the build's.
        self._finish(namespace.throwaway(["cp", "-L", "/etc/resolv.conf", f"{self.root}/etc/resolv.conf"]))
        self.environment += [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]

    def _fetch(self, text: str, folder: Path) -> None:
        """What pip will install, fetched with this machine's settings; the locked hashes are checked inside."""
        if "pip install" not in text:
            return
        (python,) = (path.name for path in (self.root / "usr/bin").glob("python3.[0-9]*[0-9]"))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--require-hashes"]
        command += ["--python-version", python.removeprefix("python"), "--dest", str(folder / WHEELS)]
        self._finish([*command, "--requirement", str(ROOT / "host/requirements.lock")])
        self._finish(namespace.throwaway(["cp", "-r", str(folder / WHEELS), f"{self.root}/{WHEELS}"]))
        self.environment += ["PIP_NO_INDEX=1", f"PIP_FIND_LINKS=/{WHEELS}"]

    @staticmethod
    def _finish(argv: Sequence[str]) -> None:
        answer = subprocess.run(argv, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        assert answer.returncode == 0, answer.stderr[-2000:]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    faults = namespace.faults()
    if faults:
        pytest.skip("; ".join(faults))
    folder = tmp_path_factory.mktemp("image")
    made = Image(folder / "root")
    try:
        made.build(folder)
        yield made
    finally:
        root_filesystem.remove(made.root)


def specification(store: ObjectStore) -> dict[str, Any]:
    postgres, pooler = claim_some(2)
    given = spec(postgres_port=postgres, pooler_port=pooler) | {"platform": "container"}
    given["backup"] |= {"endpoint": store.endpoint, "bucket": store.new_bucket()}
    return given


def logged_in(given: dict[str, Any]) -> bool:
    password = next(role["password"] for role in given["postgres"]["roles"] if role["name"] == "app")
    try:
        psycopg.connect(
            host="127.0.0.1",
            port=given["pooler"]["port"],
            dbname=given["postgres"]["database"],
            user="app",
            password=password,
            sslmode="require",
        ).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.slow
def test_what_the_dockerfile_makes_is_a_database_host(image: Image, store: ObjectStore, tmp_path: Path) -> None:
    given = specification(store)
    path = tmp_path / "host.json"
    path.write_text(json.dumps(given))
    assert image.entry[-1] == "/etc/hybrid-host.json"
    image._finish(namespace.throwaway(["install", "--mode=600", str(path), f"{image.root}{image.entry[-1]}"]))
    log = tmp_path / "log"
    with log.open("w") as output:
        container = subprocess.Popen([*TIED, *image.inside(image.entry)], stdout=output, stderr=output)
    try:
        until(lambda: logged_in(given) or container.poll() is not None)
        assert container.poll() is None, log.read_text()
        first = namespace.first_process(container.pid)
        assert first
        os.kill(first, signal.SIGTERM)
        assert container.wait(LIMIT_SECONDS) == 0, log.read_text()
        assert "database system is shut down" in log.read_text()
    finally:
        container.kill()
        container.wait(LIMIT_SECONDS)


@pytest.mark.slow
def test_the_images_python_has_what_host_imports(image: Image) -> None:
    argv = image.inside(["python", "-P", "-c", "import host.container, host.apply, host.converge"])
    answer = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")

"""The document that a host is told to run: its form, and its script run for real against S3, with a small host/."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from moto.server import ThreadedMotoServer

from components.host.bundle import Bundle, bundle
from components.host.convergence import PARAMETERS, TIMEOUT_SECONDS, document_content
from components.host.document import TEMPLATES
from tests.commands import ran
from tests.waiting import LIMIT_SECONDS

SCRIPT = TEMPLATES / "converge.sh"
BUCKET, KEY = "hybrid-dev-bundles-111111111111", "postgres-a.tar.gz"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
STAND_IN = """
import json, os, sys
from pathlib import Path
with Path(os.environ["JOURNAL"]).open("a") as journal:
    says = {name: os.environ[name] for name in ("AWS_DEFAULT_REGION",)}
    print(json.dumps({"arguments": sys.argv[1:], "platform": json.load(open(sys.argv[1]))["platform"], **says,
                      "is_own_python": Path(sys.prefix) == Path.cwd() / "venv"}), file=journal)
sys.exit(int(os.environ.get("ENDS_WITH", "0")))
"""


def test_it_is_a_command_document_of_schema_2_2() -> None:
    content: dict[str, Any] = document_content()
    (step,) = content["mainSteps"]
    assert content["schemaVersion"] == "2.2"
    assert (step["action"], step["precondition"]) == (
        "aws:runShellScript",
        {"StringEquals": ["platformType", "Linux"]},
    )
    # 48 hours are the most (AWS, Command document plugin reference).
    assert 3600 < int(step["inputs"]["timeoutSeconds"]) == TIMEOUT_SECONDS <= 172_800
    # AWS, quotas of Systems Manager: a document has 64 KB at most.
    assert len(json.dumps(content)) < 64 * 1024


def test_systems_manager_takes_it() -> None:
    model = botocore.session.Session().get_service_model("ssm").operation_model("CreateDocument")
    document = {"Name": "p-postgres-converge", "DocumentType": "Command", "TargetType": "/"}
    call = {**document, "DocumentFormat": "JSON", "Content": json.dumps(document_content())}
    assert not ParamValidator().validate(call, model.input_shape).has_errors()
    content: dict[str, Any] = document_content()
    allowed = {
        "type",
        "description",
        "default",
        "allowedValues",
        "allowedPattern",
        "displayType",
        "maxChars",
        "minChars",
    }
    assert all(set(parameter) <= allowed for parameter in content["parameters"].values())


def test_every_parameter_is_used_once_and_nothing_else_is_put_in() -> None:
    script = SCRIPT.read_text()
    assert sorted(re.findall(r"\{\{ (\w+) \}\}", script)) == sorted(PARAMETERS)
    assert script.count("{{") == len(PARAMETERS)
    assert len(re.findall(r"='\{\{ \w+ \}\}'", script)) == len(PARAMETERS)


@pytest.mark.parametrize("value", ["'; reboot; '", "$(reboot)", "a b", "a\nb", "", '"', "`reboot`", "{{ Host }}"])
@pytest.mark.parametrize("parameter", sorted(PARAMETERS))
def test_no_parameter_ends_its_quotes(parameter: str, value: str) -> None:
    pattern = PARAMETERS[parameter][1]
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    assert re.fullmatch(pattern, value) is None


def test_the_script_is_a_shell_script() -> None:
    subprocess.run(["sh", "-n", SCRIPT], check=True, timeout=60)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A host in a folder, and the S3 that its bundle is in."""

    folder: Path
    endpoint: str
    bundle: Bundle

    @property
    def client(self) -> Any:
        keys = {key.lower(): value for key, value in CREDENTIALS.items()}
        return boto3.client("s3", region_name="ca-central-1", endpoint_url=self.endpoint, **keys)

    @property
    def home(self) -> Path:
        return self.folder / "opt"

    def put(self, content: bytes) -> str:
        """Returns the version."""
        return str(self.client.put_object(Bucket=BUCKET, Key=KEY, Body=content)["VersionId"])

    def run(self, version: str, sha256: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the script as the agent does: the parameters put in, then `sh`."""
        values = {"Bucket": BUCKET, "Key": KEY, "VersionId": version, "Host": "a", "SecretsVersion": "1.4.2"}
        values["Sha256"] = sha256 or self.bundle.sha256
        text = re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], SCRIPT.read_text())
        return ran(
            ["sh", "-c", text.replace("/opt/hybrid", str(self.home))],
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "JOURNAL": str(self.folder / "journal"),
                "AWS_ENDPOINT_URL": self.endpoint,
                **CREDENTIALS,
                **environment,
            },
            timeout=LIMIT_SECONDS,
        )

    @property
    def acts(self) -> list[dict[str, Any]]:
        path = self.folder / "journal"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def trial(tmp_path: Path, endpoint: str) -> Trial:
    return new_trial(tmp_path, endpoint)


def new_trial(tmp_path: Path, endpoint: str) -> Trial:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "converge.py").write_text(STAND_IN)
    (folder / "requirements.lock").write_text("# nothing\n")
    trial = Trial(folder=tmp_path, endpoint=endpoint, bundle=bundle("a", {"platform": "lightsail"}, tmp_path))
    where = {"CreateBucketConfiguration": {"LocationConstraint": "ca-central-1"}}
    if BUCKET not in {found["Name"] for found in trial.client.list_buckets()["Buckets"]}:
        trial.client.create_bucket(Bucket=BUCKET, **where)
        trial.client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return trial


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Path:
    """A release that was made, where one was killed half made: most of a run is to make one."""
    trial = new_trial(tmp_path_factory.mktemp("released"), endpoint)
    half = trial.home / "releases" / trial.bundle.sha256
    (half / "host").mkdir(parents=True)
    (half / "host" / "left.py").touch()
    assert trial.run(trial.put(trial.bundle.content)).returncode == 0
    return half


@pytest.fixture
def with_release(trial: Trial, released: Path) -> Trial:
    assert released.name == trial.bundle.sha256
    shutil.copytree(released, trial.home / "releases" / released.name, symlinks=True)
    return trial


def test_it_fetches_the_version_and_runs_it_twice_without_a_second_download(trial: Trial) -> None:
    version = trial.put(trial.bundle.content)
    trial.put(b"a newer version that nobody has declared")
    finished = trial.run(version)
    assert finished.returncode == 0, finished.stderr
    trial.client.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)
    assert trial.run(version).returncode == 0
    (act, same) = trial.acts
    assert (
        act
        == same
        == {
            "arguments": ["specification-a.json"],
            "platform": "lightsail",
            "AWS_DEFAULT_REGION": "ca-central-1",
            "is_own_python": True,
        }
    )
    assert (trial.home / "current").resolve() == trial.home / "releases" / trial.bundle.sha256


def test_it_refuses_what_has_another_hash(trial: Trial) -> None:
    version = trial.put(trial.bundle.content + b"\0")
    finished = trial.run(version)
    assert finished.returncode == 1
    assert f"declared is {trial.bundle.sha256}" in finished.stderr
    assert trial.acts == []
    assert list((trial.home / "releases").iterdir()) == []


def test_a_version_that_is_not_there_is_one_clear_line(trial: Trial) -> None:
    finished = trial.run("no-such-version")
    assert finished.returncode == 1
    assert f"bundle: s3://{BUCKET}/{KEY} is not to be had" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert trial.acts == []


def test_what_was_killed_half_made_is_made_again(released: Path) -> None:
    assert (released / "host" / "converge.py").exists()
    assert not (released / "host" / "left.py").exists()


def test_a_host_that_fails_is_a_failed_run_and_current_stays(with_release: Trial) -> None:
    trial = with_release
    finished = trial.run("1", ENDS_WITH="1")
    assert finished.returncode == 1
    assert len(trial.acts) == 1
    assert not (trial.home / "current").exists()


LOCKED_TWICE = """#!/bin/sh
echo "$*" >>"$JOURNAL.apt"
[ "$1 $(wc -l <"$JOURNAL.apt")" = "-qq 3" ] && exit 0
[ "$2" = -y ] && exit 7
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)" >&2
exit 100
"""


def test_it_waits_for_another_apt_and_for_nothing_else(trial: Trial) -> None:
    programs = {"apt-get": LOCKED_TWICE, "sleep": "#!/bin/sh\n", "python3": "#!/bin/sh\nexit 1\n"}
    (trial.folder / "bin").mkdir()
    for name, text in programs.items():
        (trial.folder / "bin" / name).write_text(text)
        (trial.folder / "bin" / name).chmod(0o755)
    finished = trial.run("1", PATH=f"{trial.folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    tries = (trial.folder / "journal.apt").read_text().splitlines()
    assert (finished.returncode, len(tries)) == (1, 4)
    assert tries[:3] == ["-qq update"] * 3
    assert tries[3].endswith("python3-boto3 python3-venv")


def test_old_releases_go_and_the_last_three_stay(with_release: Trial) -> None:
    trial = with_release
    for age in range(1, 5):
        old = trial.home / "releases" / str(age)
        old.mkdir(parents=True)
        os.utime(old, (1000 - age, 1000 - age))
    assert trial.run("1").returncode == 0
    assert {path.name for path in (trial.home / "releases").iterdir()} == {trial.bundle.sha256, "1", "2"}

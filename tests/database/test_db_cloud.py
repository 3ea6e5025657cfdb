"""`./hybrid db --stack` on its whole route: Parameter Store, the tunnel or Session Manager, and a real PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from components.settings.compatibility import RELEASES
from database.findings import THRESHOLDS, Level
from local.host import migrations
from tests.commands import ROOT, in_this_process, ran
from tests.database import cloud, command_in_cloud
from tests.database.conftest import Sessions
from tests.local.stack_under_test import StackUnderTest

pytestmark = [pytest.mark.local, pytest.mark.slow]
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "ca-central-1"}
COMMAND = [sys.executable, "-P", "-m", "tests.database.command_in_cloud", "db"]


class Cloud:
    """The command in a cloud of the test's own; keyword changes go into its environment."""

    def __init__(self, environment: dict[str, str], address: str) -> None:
        self.environment = environment
        self.ssm = boto3.client("ssm", endpoint_url=address, **CREDENTIALS)

    def run(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        return ran(
            [*COMMAND, arguments[0], "--stack", "dev", *arguments[1:]],
            env=self._variables(changes),
            stdin=subprocess.DEVNULL,
        )

    def told(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """The same in this process."""
        variables = self._variables(changes)
        with command_in_cloud.cloud(variables["HYBRID_TEST_CLOUD"]):
            return in_this_process(variables, "db", arguments[0], "--stack", "dev", *arguments[1:])

    def _variables(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        return {name: value for name, value in {**self.environment, **changes}.items() if value is not None}

    def put(self, name: str, value: str) -> None:
        self.ssm.put_parameter(Name=f"{cloud.PREFIX}/{name}", Value=value, Type="SecureString", Overwrite=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`aws` and its plugin, where nothing else is."""
    folder = tmp_path_factory.mktemp("bin")
    stand_in = Path(__file__).with_name("aws_stand_in.py")
    for name, text in (("aws", f'exec {sys.executable} {stand_in} "$@"'), ("session-manager-plugin", "exit 1")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def dev(stack: StackUnderTest, sessions: Sessions, programs: Path) -> Iterator[Cloud]:
    postgres = sessions.host["postgres"]
    plan = {"port": postgres["port"], "pooler_port": sessions.host["pooler"]["port"], "database": postgres["database"]}
    with (
        cloud.systems_manager() as address,
        cloud.edge(plan["port"]) as direct,
        cloud.edge(plan["pooler_port"]) as pooled,
    ):
        edges = {cloud.TUNNEL: direct, cloud.POOLER_TUNNEL: pooled}
        made = Cloud(
            {
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "HOME": str(programs),
                "NO_COLOR": "1",
                "COLUMNS": "200",
                "AWS_ENDPOINT_URL_SSM": address,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_EC2_METADATA_DISABLED": "true",
                "HYBRID_TEST_CLOUD": json.dumps({"plan": plan, "edges": edges}),
            },
            address,
        )
        for role in ("app", "migrator", "monitor", "public_read", "read_only"):
            made.put(f"postgres/passwords/{role}", sessions.password(role))
        made.put("postgres/tls-authorities", sessions.authorities.read_text())
        made.put("operators/access-client-id", cloud.CLIENT_ID)
        made.put("operators/access-client-secret", cloud.CLIENT_SECRET)
        yield made


@pytest.mark.parametrize("route", ["tunnel", "ssm"])
def test_status_is_had_on_both_routes(dev: Cloud, stack: StackUnderTest, route: str) -> None:
    answer = dev.run("status", "--json", "--route", route)
    assert answer.stderr == ""
    found = json.loads(answer.stdout)
    assert found["stack"] == "dev"
    assert found["route"] == found["way"] == {"tunnel": "through the tunnel", "ssm": "through Session Manager"}[route]
    # Debian's own packages stand for the host's, which are pinned; the disk is this machine's, however full.
    full = THRESHOLDS["disk"].level(psutil.disk_usage(str(stack.state)).percent) is not Level.OK
    worries = {"versions", "disk"} if full else {"versions"}
    assert {row["name"] for row in found["findings"] if row["level"] != "ok"} == worries
    (versions,) = [row for row in found["findings"] if row["name"] == "versions"]
    assert f"(pinned: {RELEASES[17].postgresql})" in versions["detail"]


@pytest.mark.parametrize("route", ["tunnel", "ssm"])
def test_top_and_migrations_are_had_on_both_routes(dev: Cloud, route: str) -> None:
    assert json.loads(dev.told("top", "--json", "--route", route).stdout)
    planned = json.loads(dev.told("migrate", "--json", "--route", route).stdout)
    assert (planned["ran"], planned["pending"]) == ([], [])
    files = sorted((ROOT / migrations.FOLDER).glob("*.sql"))
    names = [path.stem for path in files if ".rollback" not in path.name]
    assert [row["name"] for row in planned["applied"]] == names
    assert dev.told("migrate", "--apply", "--route", route).stderr == "nothing to apply\n"


@pytest.mark.parametrize(
    ("route", "role", "told"),
    [
        ("tunnel", "read_only", "read_only on dev, through the tunnel\n"),
        ("tunnel", "app", "app on dev, through the tunnel and the pooler\n"),
        ("tunnel", "public_read", "public_read on dev, through the tunnel and the pooler\n"),
        ("ssm", "read_only", "read_only on dev, through Session Manager\n"),
        ("ssm", "app", "app on dev, through Session Manager and the pooler\n"),
    ],
)
def test_psql_takes_the_route_with_the_role(dev: Cloud, route: str, role: str, told: str) -> None:
    answer = dev.run("psql", "--role", role, "--route", route, "-c", "SELECT session_user", "--", "-At")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"{role}\n", told)


def test_a_pooled_role_meets_the_pooler_behind_the_tunnel(dev: Cloud, stack: StackUnderTest) -> None:
    stack.kill("pooler")
    try:
        pooled, direct = (dev.run("psql", "--role", role, "-c", "SELECT 1") for role in ("app", "read_only"))
    finally:
        stack.bring_up()
    assert (pooled.returncode, direct.returncode) == (1, 0)
    assert "hybrid: dev: app can't log in through the tunnel and the pooler: " in pooled.stderr


@pytest.mark.parametrize(("role", "where"), [("app", "the pooler"), ("read_only", "PostgreSQL")])
def test_without_a_tunnel_the_other_route_is_named(dev: Cloud, role: str, where: str) -> None:
    given = json.loads(dev.environment["HYBRID_TEST_CLOUD"])
    given["plan"]["has_tunnel"] = False
    said = one_line(dev.told("psql", "--role", role, "-c", "SELECT 1", HYBRID_TEST_CLOUD=json.dumps(given)))
    assert f"declares no tunnel to {where} (databaseRoute: direct); allowed: --route ssm" in said


def test_the_session_ends_with_the_command(dev: Cloud) -> None:
    assert dev.run("migrate", "--route", "ssm").returncode == 0
    # Wherever they hang by now, what the command has started is known by its home.
    home = dev.environment["HOME"]
    assert [process for process in psutil.process_iter() if environment_of(process).get("HOME") == home] == []


def environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    assert (answer.returncode, answer.stdout) == (1, ""), answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    return answer.stderr


def test_without_credentials_it_says_how_to_sign_in(dev: Cloud) -> None:
    said = one_line(dev.told("status", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None))
    assert said.startswith("hybrid: Parameter Store: no AWS credentials")
    assert "aws sso login" in said


def test_a_parameter_that_is_not_there_is_named(dev: Cloud, sessions: Sessions) -> None:
    dev.ssm.delete_parameter(Name=f"{cloud.PREFIX}/postgres/passwords/monitor")
    try:
        said = one_line(dev.told("status"))
    finally:
        dev.put("postgres/passwords/monitor", sessions.password("monitor"))
    assert f"has no {cloud.PREFIX}/postgres/passwords/monitor; has the stack been brought up" in said


def test_a_token_that_access_refuses_is_told_as_that(dev: Cloud) -> None:
    dev.put("operators/access-client-secret", "last year's")
    try:
        said = one_line(dev.told("status"))
    finally:
        dev.put("operators/access-client-secret", cloud.CLIENT_SECRET)
    assert "Access refuses the service token" in said
    assert "last year's" not in said


def test_a_wrong_password_is_one_line_without_it(dev: Cloud, sessions: Sessions) -> None:
    dev.put("postgres/passwords/monitor", "a-wrong-password")
    try:
        said = one_line(dev.told("status"))
    finally:
        dev.put("postgres/passwords/monitor", sessions.password("monitor"))
    assert "dev: monitor can't log in through the tunnel" in said
    assert "a-wrong-password" not in said


def test_a_server_that_another_authority_signed_for_is_refused(
    dev: Cloud, stack: StackUnderTest, sessions: Sessions
) -> None:
    dev.put("postgres/tls-authorities", (stack.state / "tls" / "ca.crt").read_text())
    try:
        said = one_line(dev.told("status"))
    finally:
        dev.put("postgres/tls-authorities", sessions.authorities.read_text())
    assert "certificate verify failed" in said


def test_a_plugin_that_is_missing_is_named(dev: Cloud, tmp_path: Path, programs: Path) -> None:
    (tmp_path / "aws").symlink_to(programs / "aws")
    said = one_line(dev.told("status", "--route", "ssm", PATH=str(tmp_path)))
    assert said.startswith("hybrid: session-manager-plugin: not found; install it: ")


def test_a_session_that_aws_refuses_is_told_with_its_words(dev: Cloud) -> None:
    said = one_line(dev.told("status", "--route", "ssm", AWS_STAND_IN_REFUSAL="An error occurred (TargetNotConnected)"))
    assert "aws ssm start-session: ended with exit code 1: An error occurred (TargetNotConnected)" in said


def test_a_host_that_is_not_online_is_told(dev: Cloud, sessions: Sessions) -> None:
    with cloud.systems_manager(online=False) as address:
        away = Cloud({**dev.environment, "AWS_ENDPOINT_URL_SSM": address}, address)
        for parameter in dev.ssm.describe_parameters()["Parameters"]:
            value: Any = dev.ssm.get_parameter(Name=parameter["Name"], WithDecryption=True)["Parameter"]["Value"]
            away.ssm.put_parameter(Name=parameter["Name"], Value=value, Type="SecureString", Overwrite=True)
        said = one_line(away.told("status", "--route", "ssm"))
    assert "0 of 1 nodes with the tags Host=a, Stack=automatonicai-dev are online; one is needed" in said


def test_no_secret_is_on_any_command_line(dev: Cloud, sessions: Sessions) -> None:
    process = subprocess.Popen(
        [*COMMAND, "psql", "--stack", "dev", "--route", "ssm", "-c", "SELECT pg_sleep(3)"],
        env=dev.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen: set[str] = set()
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            seen.update(words_of(child))
    assert "SELECT pg_sleep(3)" in seen
    assert [word for word in seen if sessions.password("read_only") in word] == []

"""The connection to a host in the cloud: a command that Systems Manager carries, watched, read and cancelled."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backups import cloud_connection, systems_manager
from backups.cloud_connection import CloudConnection, declaration
from backups.connection import asked
from backups.errors import BackupError
from components.common.errors import HybridError
from host.recovery.contract import Listing, ListRequest, Position, document
from plan import record
from plan.model import Plan
from scripts.db import app
from tests.backups import answering
from tests.backups.systems_manager import COMMAND, NODE, Manager, packed, served

ROOT = Path(__file__).resolve().parents[2]
LIST = {"act": "list", "source": {"repository": "primary", "as_of": None}}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def listed(_: dict[str, Any]) -> tuple[int, str, str]:
    return 0, packed(answering.four_weeks()), "looking\n"


def refused(_: dict[str, Any]) -> tuple[int, str, str]:
    return 1, packed({"faults": ["one", "two"]}), ""


def connected(
    manager: Manager, plan: Plan, monkeypatch: pytest.MonkeyPatch, address: str
) -> tuple[CloudConnection, list[str]]:
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_SSM": address}.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    return CloudConnection(declaration(plan), ROOT / ".state" / "drills", said.append), said


def test_the_declared_document_is_sent_to_the_one_node(dev_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(listed)
    with served(manager) as address:
        connection, said = connected(manager, dev_plan, monkeypatch, address)
        found = asked(connection, Listing, ListRequest())
    assert len(found.backups) == 28
    sent = dict(manager.calls)["SendCommand"]
    assert (sent["InstanceIds"], sent["DocumentName"]) == ([NODE], "automatonicai-dev-postgres-recovery")
    assert said == [f"command {COMMAND} on {NODE}: sent", f"command {COMMAND} on {NODE}: waits for the host", "looking"]


def test_the_buckets_are_those_that_are_declared(dev_plan: Plan) -> None:
    found = declaration(dev_plan)
    assert (found.primary.region, found.copy and found.copy.region) == ("ca-central-1", "ca-west-1")
    assert found.copy is not None
    assert found.primary.bucket != found.copy.bucket


@pytest.mark.parametrize(
    ("manager", "message"),
    [
        (Manager(refused), "one\ntwo"),
        (Manager(listed, online=False), "0 of 1 nodes with the tags"),
        (Manager(listed, details="Refused"), r"refused \(AccessDeniedException\): not allowed to ssm:SendCommand"),
        (Manager(listed, details="Delivery Timed Out"), "the host did not take the command within 60 s"),
        (Manager(listed, details="ExecutionTimedOut"), "took longer than the document allows"),
        (Manager(listed, details="Undeliverable"), "could not be delivered; is the host online"),
        (Manager(listed, details="AccessDenied"), "the host's role may not run it"),
        (Manager(listed, details="Cancelled"), "was cancelled by somebody"),
        (Manager(lambda _: (1, "", "no such folder")), "ended with exit code 1 and without an answer"),
        (Manager(lambda _: (0, "x" * 30_000, "")), "is longer than Systems Manager hands on"),
        (Manager(listed, cut=100), "its answer can't be read"),
    ],
)
def test_what_goes_wrong_is_said_in_plain_words(
    manager: Manager, message: str, dev_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(manager) as address:
        connection, _ = connected(manager, dev_plan, monkeypatch, address)
        with pytest.raises(HybridError, match=message):
            connection.ask(LIST)


class TwoHosts(Manager):
    """One that serves, and its standby; each is found by its own tag."""

    nodes = ("mi-0123456789abcdef0", "mi-0123456789abcdef1")

    def __init__(self) -> None:
        super().__init__(self.position)
        self.asked: list[tuple[str, Any]] = []

    def DescribeInstanceInformation(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        number = [{"Key": "tag:Host", "Values": [name]} for name in "ab"].index(given["Filters"][0])
        return 200, {"InstanceInformationList": [{"InstanceId": self.nodes[number], "PingStatus": "Online"}]}

    def SendCommand(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        (self.node,) = given["InstanceIds"]
        return super().SendCommand(given)

    def position(self, request: dict[str, Any]) -> tuple[int, str, str]:
        self.asked.append((self.node, request["followed"]))
        is_standby = self.node == self.nodes[1]
        found = Position(is_standby=is_standby, lsn=7, timeline=2, marker=answering.NOW, has_marker=is_standby)
        return 0, packed(document(found)), ""


def test_each_host_is_asked_before_a_cut_over(dev_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems_manager, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(record, "record", lambda _: dev_plan)
    monkeypatch.setattr(cloud_connection, "nodes", lambda _: {name: {"Host": name} for name in "ab"})
    manager = TwoHosts()
    with served(manager) as address:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_SSM": address}.items():
            monkeypatch.setenv(name, value)
        answer = CliRunner().invoke(app, ["standby", "--stack", "dev"])
    assert (answer.exit_code, answer.stdout) == (0, "b follows a on timeline 2\n"), answer.output
    a, b = manager.nodes
    # Who serves; then, of the standby: whether it is ahead, and whether it has what is written for it.
    assert manager.asked == [*((host, None) for host in (a, b, b, a, a, b)), (a, 2)]


def test_a_plan_without_the_document_is_refused(dev_plan: Plan) -> None:
    kept = tuple(one for one in dev_plan.resources if "Document" not in one.type)
    with pytest.raises(BackupError, match="declares 0 documents that end in -postgres-recovery"):
        declaration(Plan(project=dev_plan.project, stack=dev_plan.stack, resources=kept))


CLIENT = """
import sys
from backups import systems_manager
from database import parameter_store
command = systems_manager.send(parameter_store.client(), "mi-0123456789abcdef0", "a-document", {"act": "drill"})
try:
    systems_manager.result(command, lambda text: print(text, flush=True))
except KeyboardInterrupt:
    sys.exit(42)
"""


def test_ctrl_c_cancels_the_command_and_says_so() -> None:
    manager = Manager(listed, details="Running")
    with served(manager) as address:
        client = subprocess.Popen(
            ["env", "--default-signal=INT", sys.executable, "-c", CLIENT],
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL_SSM": address, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        with client:
            assert client.stdout is not None
            # The last line before it is watched in silence.
            while "runs" not in client.stdout.readline():
                pass
            client.send_signal(signal.SIGINT)
            said = client.stdout.read()
    assert client.returncode == 42
    assert said.splitlines() == [
        f"command {COMMAND} on {NODE}: cancelled; if it had stopped PostgreSQL, that starts again",
        "the next backup, restore or drill clears up what it left: `./hybrid backup list`",
    ]
    assert dict(manager.calls)["CancelCommand"]["InstanceIds"] == [NODE]

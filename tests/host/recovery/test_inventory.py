"""What is said of a repository from which nothing can be read."""

import json
import socket
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from host.recovery import inventory
from host.recovery.contract import Source
from host.recovery.errors import RecoveryError
from host.recovery.pgbackrest import Repository
from tests.host.recovery.machine import machine
from tests.host.specs import spec

COPY = {"endpoint": "s3.ca-west-1.amazonaws.com", "bucket": "copies", "region": "ca-west-1"}
GONE = """unable to list file info for path '/postgresql/backup': [ProtocolError] HTTP request failed with 500 (Internal
Server Error):
*** Path/Query ***:
GET /?list-type=2&prefix=postgresql"""


@pytest.mark.parametrize("message", ["missing stanza path", "missing stanza data", GONE])
@pytest.mark.parametrize("source", ["primary", "copy"])
def test_a_lost_repository_is_one_line_with_the_way_out(
    message: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"code": 99, "message": message}
    answer = CompletedProcess([], 0, json.dumps([{"status": status, "repo": [{"status": status}]}]), "")
    monkeypatch.setattr(Repository, "attempt", lambda *_, **__: answer)
    monkeypatch.setattr(inventory, "_ensure_answers", lambda _: None)
    on = machine(tmp_path, backup=spec()["backup"] | {"copy": COPY})
    with pytest.raises(RecoveryError) as caught:
        inventory.read(Repository(on, Source.model_validate({"repository": source})))
    (fault,) = caught.value.faults
    assert ("--from copy" in fault) is (source == "primary")
    assert ("--as-of" in fault) is (source == "copy")
    reason = "is empty: " if "missing" in message else "can't be read, as where its bucket is gone: "
    assert reason in fault
    assert "***" not in fault
    assert fault.isprintable()
    assert len(fault) < 300


def test_a_store_that_hangs_is_told_while_it_is_waited_for_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inventory, "TELL_SECONDS", 0.05)
    monkeypatch.setattr(inventory, "CONNECT_SECONDS", 0.5)
    # Nobody takes what the kernel accepts.
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"127.0.0.1:{server.getsockname()[1]}"
        on = machine(tmp_path, backup=spec()["backup"] | {"endpoint": endpoint})
        with pytest.raises(RecoveryError, match=f"the store {endpoint} does not answer, tried for 0.5 s: timed out"):
            inventory.read(Repository(on))
    assert capsys.readouterr().err == f"waiting for the store {endpoint}\n"

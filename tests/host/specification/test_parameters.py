"""Secrets come from Systems Manager into the specification, by the names that it declares."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from host.specification import parameters, read_parameters
from host.specification.parameters import ParameterError, resolved
from tests.commands import ran

PROGRAM = Path(read_parameters.__file__)


def declared(**changes: Any) -> dict[str, Any]:
    tunnel = {"token": {"$parameter": "/p/tunnel-token"}}
    roles = [{"password": {"$parameter": "/p/app"}}, {"password": None}]
    return {"backup": {"region": "ca-central-1"}, "tunnel": tunnel, "roles": roles} | changes


def test_every_parameter_is_put_in_its_place() -> None:
    asked: list[tuple[Sequence[str], str]] = []

    def read(names: Sequence[str], region: str) -> Mapping[str, str]:
        asked.append((names, region))
        return {name: f"value of {name}" for name in names}

    found = resolved(declared(), read)
    assert found["tunnel"]["token"] == "value of /p/tunnel-token"
    assert found["roles"] == [{"password": "value of /p/app"}, {"password": None}]
    assert asked == [(["/p/app", "/p/tunnel-token"], "ca-central-1")]


def test_all_missing_parameters_are_named_and_no_value() -> None:
    with pytest.raises(ParameterError, match=r"^no such parameter in ca-central-1: /p/tunnel-token$"):
        resolved(declared(), lambda names, region: {"/p/app": "secret-1"})


def test_a_specification_without_parameters_asks_nobody() -> None:
    plain = {"backup": {"region": "ca-central-1"}}
    assert resolved(plain, lambda names, region: pytest.fail("asked")) == plain


def test_the_region_is_the_specifications_own() -> None:
    with pytest.raises(ParameterError, match=r"^spec\.backup\.region: missing"):
        resolved(declared(backup={}), lambda names, region: {})


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    try:
        yield boto3.client("ssm", region_name="ca-central-1")
    finally:
        server.stop()


def test_more_parameters_than_one_request_takes_are_read(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # In place of the system's Python, which has no boto3 on every machine.
    monkeypatch.setattr(parameters, "SYSTEM_PYTHON", sys.executable)
    names = [f"/p/{number}" for number in range(12)]
    for name in names:
        cloud.put_parameter(Name=name, Value=f"value of {name}", Type="SecureString")
    found = resolved({"backup": {"region": "ca-central-1"}, "all": [{"$parameter": name} for name in names]})
    assert found["all"] == [f"value of {name}" for name in names]


def test_a_cloud_that_refuses_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "SYSTEM_PYTHON", sys.executable)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ParameterError, match=r"^parameters can't be read in ca-central-1: [^\n]+$"):
        resolved(declared())


def test_names_travel_on_standard_input(cloud: Any) -> None:
    answer = ran([sys.executable, "-I", str(PROGRAM), "ca-central-1"], input=json.dumps([]), env=os.environ)
    assert (answer.returncode, answer.stdout) == (0, "{}")

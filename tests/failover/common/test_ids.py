"""What the file of ids may say, and how its faults are told."""

import json
from pathlib import Path
from typing import Any

import pytest

from failover.common.errors import FailoverError
from failover.common.ids import Probes, read
from failover.common.terms import Kind
from tests.failover.command_line import Answer, flags
from tests.failover.world import HOST, World


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not there"),
        ("{", "is not JSON"),
        ("[]", "ids.json: is not a JSON object\n"),
        ('{"format": 2}', "has format 2, this version reads 1"),
    ],
)
def test_a_file_of_ids_that_can_not_be_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "ids.json"
    if text is not None:
        path.write_text(text)
    answer = Answer("rollback", "--execute", "--ids", str(path))
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert message in answer.err


def test_every_fault_of_the_file_is_told_at_once(world: World) -> None:
    path = world.folder / "failover.json"
    document = json.loads(path.read_text())
    del document["zone"]["id"], document["hosts"][0]["record"]["name"]
    document["api"] = "http://api.example.test/client/v4"
    path.write_text(json.dumps(document))
    answer = Answer("status", *flags(world))
    assert answer.code == 1
    faults = {line.split(": ")[2] for line in answer.err.splitlines()}
    assert faults == {"zone.id", "api", "hosts[0].record.name"}


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        (
            "route",
            "id",
            "../../x",
            "hosts[0].route.id: '../../x' is not valid; allowed: letters, digits, - and _, 64 at most",
        ),
        (
            "standby",
            "hostname",
            "A b",
            "hosts[0].standby.hostname: 'A b' is not valid; allowed: a host name in small letters",
        ),
    ],
)
def test_a_value_that_can_not_be_is_told_with_what_is_allowed(
    world: World, part: str, key: str, value: str, message: str
) -> None:
    world.change_ids(**{part: {key: value}})
    answer = Answer("status", *flags(world))
    assert (answer.code, answer.err) == (1, f"failover: {world.folder / 'failover.json'}: {message}\n")


def test_an_unknown_host_names_those_that_are_known(world: World) -> None:
    answer = Answer("plan", "--host", "www.example.test", *flags(world))
    assert answer.err == f"failover: www.example.test: is not in the file of ids; there are: {HOST}\n"


TOKEN = "made-up-" + "x" * 40
# Where in the file, a value that may not be there (`...`: none at all), and the fault that is told.
FAULTS = [
    ("stack", 7, "stack: has to be a valid string"),
    ("stack", "", "stack: is empty"),
    ("stack", ..., "stack: is missing"),
    ("api", "ftp://example.test", "api: ftp://example.test is neither https nor on loopback"),
    ("api", f"http://eve:{TOKEN}@example.test", "api: http://example.test is neither https nor on loopback"),
    ("api", "https://[x", "api: is not the address of an API; allowed: https://…, or http:// on loopback"),
    ("account", TOKEN + "!", "account: 'made-up-…' (49 letters) is not valid; allowed: letters, digits, "),
    ("zone", [], "zone.id: is missing"),
    ("zone.name", "A.test", "zone.name: 'A.test' is not valid; allowed: a host name in small letters"),
    ("hosts", {}, "hosts: has to be a valid array"),
    ("hosts", [], "hosts: is empty"),
    ("hosts.0", 3, "hosts[0]: has to be an object"),
    ("hosts.0.kind", "fax", "hosts[0].kind: has to be 'worker' or 'pages'"),
    ("hosts.0.route", ..., "hosts[0].route.id: is missing"),
    ("hosts.0.record", "x", "hosts[0].record: has to be an object"),
    ("hosts.0.record.proxied", 1, "hosts[0].record.proxied: has to be a valid boolean"),
    ("hosts.0.record.ttl", "1", "hosts[0].record.ttl: has to be a valid integer"),
    ("hosts.0.standby", "x", "hosts[0].standby.hostname: is missing"),
    ("hosts.0.path", "x", "hosts[0].path: 'x' is not valid; allowed: a path that begins with / and has no spaces"),
    ("hosts.0.challenge_routes.0.id", "", "hosts[0].challenge_routes[0].id: '' is not valid; allowed: "),
    ("probes", [1], "probes: has to be an object"),
    ("probes.ca", None, "probes.ca: is empty"),
    ("hosts.0.path", None, "hosts[0].path: has to be a valid string"),
    ("probes.scheme", "ftp", "probes.scheme: has to be 'http' or 'https'"),
    ("probes.edge", ["127.0.0.1", "80"], "probes.edge: is not [ADDRESS, PORT]"),
    ("probes.standby_tls", ["127.0.0.1", 80, 81], "probes.standby_tls: is not [ADDRESS, PORT]"),
    ("probes.resolvers", ["1.1.1.1", ""], "probes.resolvers[1]: is empty"),
    ("keep_until", "2027-1-31", "keep_until: '2027-1-31' is not valid; allowed: a day, as YYYY-MM-DD"),
    ("keep_until", "2027-02-30", "keep_until: '2027-02-30' is not in the calendar; allowed: a day, as YYYY-MM-DD"),
    ("resolved_at", ..., "resolved_at: is missing"),
]


def put(world: World, where: str, value: Any) -> Path:
    """Changes one value of the file."""
    path = world.folder / "failover.json"
    document = json.loads(path.read_text())
    *parents, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    at = document
    for parent in parents:
        at = at[parent]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(("where", "value", "fault"), FAULTS)
def test_a_fault_is_told_with_its_place_and_without_a_secret(world: World, where: str, value: Any, fault: str) -> None:
    path = put(world, where, value)
    with pytest.raises(FailoverError) as refused:
        read(path)
    lines = str(refused.value).splitlines()
    assert lines[0].startswith(f"{path}: {fault}")
    assert all(line.startswith(f"{path}: {where.partition('.')[0]}") for line in lines)
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("nothing", [None, ...])
def test_what_a_file_need_not_say_has_a_default(world: World, nothing: Any) -> None:
    put(world, "probes", nothing)
    put(world, "keep_until", nothing)
    put(world, "unheard-of", 1)
    ids = read(put(world, "hosts.0.challenge_routes", nothing))
    assert (ids.probes, ids.keep_until, ids.hosts[0].path, ids.left_out) == (Probes(), None, "/", ())
    assert (ids.probes.port, ids.hosts[0].challenge_routes) == (443, ())


def test_a_host_of_pages_has_no_route(world: World) -> None:
    host = read(put(world, "hosts.0.kind", "pages")).hosts[0]
    assert (host.kind, host.route) == (Kind.PAGES, None)


def test_what_is_read_is_what_would_be_written(world: World) -> None:
    document = json.loads((world.folder / "failover.json").read_text())
    assert json.loads(json.dumps(world.ids.document())) == document

"""What a stack may call its own, and which hosts a text names."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import PolicyResource

from policies.residency.named_hosts import address, host_of, named, own
from policies.rules.domains import domain
from tests.policies.growth import growth

ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
STATIC_IP = "aws:lightsail/staticIp:StaticIp"
PARAMETER = "aws:ssm/parameter:Parameter"


def resource(kind: str, props: Mapping[str, Any]) -> PolicyResource:
    return cast(PolicyResource, SimpleNamespace(resource_type=kind, props=props, property_dependencies={}))


def route(pattern: str) -> PolicyResource:
    return resource(ROUTE, {"pattern": pattern})


def hosts(text: str, name: str = "/a/b") -> list[str]:
    return [host for _, host in named(resource(PARAMETER, {"name": name, "type": "String", "value": text}))]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["app.clinic.ca/*", "api.clinic.ca/*"], "clinic.ca"),
        (["https://app.dev.clinic.ca/*"], "clinic.ca"),
        (["APP.Clinic.CA/*"], "clinic.ca"),
        (["clinic.ca/*", "*.clinic.ca/*"], "clinic.ca"),
        (["app.clinic.qc.ca/*"], "clinic.qc.ca"),
        (["app.clinic.qc.ca/*", "app.other.qc.ca/*"], ""),
        (["app.clinic.ca/*", "vendor.example/*"], ""),
        (["ca/*"], ""),
        (["qc.ca/*"], ""),
        ([], ""),
    ],
)
def test_all_that_a_stack_serves_is_below_one_domain(patterns: list[str], expected: str) -> None:
    assert own(map(route, patterns)).domain == expected


def test_records_say_whose_a_stack_is_only_where_it_serves_nothing() -> None:
    record = resource(RECORD, {"name": "db.other.ca"})
    assert own([record]).domain == "other.ca"
    assert own([record, route("app.clinic.ca/*")]).domain == "clinic.ca"


def test_a_name_that_only_ends_alike_is_not_ones_own() -> None:
    mine = own([route("app.clinic.ca/*")])
    assert [mine.has(name) for name in ("clinic.ca", "a.b.clinic.ca", "evilclinic.ca", "clinic.ca.example", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert not own([]).has("")


def test_a_hosts_own_address_is_the_stacks() -> None:
    found = own([resource(STATIC_IP, {"ipAddress": "15.222.1.2"})]).addresses
    assert found == {address("15.222.1.2")}


@pytest.mark.parametrize("text", ["134744072", "0x08080808", "010.8.8.8", "8.8.2056", "::ffff:8.8.8.8", "8.8.8.8%1"])
def test_an_address_is_seen_in_every_spelling(text: str) -> None:
    assert str(address(text)) == "8.8.8.8"


@pytest.mark.parametrize("text", ["", "localhost", "v1.2.3", "app.clinic.ca", "8.8.8.8.8", "1-2", "deadbeef"])
def test_a_name_is_no_address(text: str) -> None:
    assert address(text) is None


@given(st.text(max_size=60))
def test_any_text_can_be_asked_for_its_host(text: str) -> None:
    assert "/" not in host_of(text)
    domain(host_of(text))
    address(text)
    hosts(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/x, https://b.example/y", ["a.example", "b.example"]),
        ("https://a.example@b.example/", ["b.example"]),
        ("postgres://u:p@[2600::1]:5432/x", ["2600::1"]),
        ("logs.vendor.net", ["logs.vendor.net"]),
        ("logs.vendor.net:4317", ["logs.vendor.net"]),
        ("a.vendor.net;b.vendor.net", ["a.vendor.net", "b.vendor.net"]),
        ("see logs.vendor.net for more", []),
        ("ops@clinic.ca", []),
        ("1.2.3", []),
        ("index.js", []),
        ("bundle-9f86d081.tar.gz", []),
        ("America/Montreal", []),
        ("created_at.desc", []),
        ("user.id", []),
        ("173.245.48.0/20,103.21.244.0/22", []),
        ("s3://bucket/x file:///etc/hosts", []),
    ],
)
def test_hosts_are_told_from_other_texts(text: str, expected: list[str]) -> None:
    assert hosts(text) == expected


@pytest.mark.parametrize(
    "piece", ["a.", "a-", "ab://a:", "a@", "a,", "https://", "a:b@", "sentry.", "//", "a.b:1/", "%41", "QUJD"]
)
def test_time_does_not_grow_with_the_square_of_a_text(piece: str) -> None:
    def asked(length: int) -> None:
        text = piece * (length // len(piece)) + "sentry.io"
        hosts(text, "/a/endpoint")
        hosts(text)

    assert growth(asked, 12_500, 100_000) < 24

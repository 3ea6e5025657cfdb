"""What an export takes along, and what it leaves out and says."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from failover.cloudflare.export import STRING, _quoted
from tests.failover.command_line import Answer, ProcessAnswer, flags
from tests.failover.world import HOST, STANDBY_NAME, ZONE, World


@pytest.mark.parametrize(
    ("kind", "address"), [("AAAA", "100::"), ("A", "192.0.2.1"), ("A", "198.51.100.7"), ("A", "10.0.0.1")]
)
def test_an_address_that_only_stands_for_a_worker_is_left_out(world: World, kind: str, address: str) -> None:
    row = {"type": kind, "name": "api.example.test", "content": address, "proxied": True, "ttl": 1}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    done = Answer("export", *flags(world))
    assert "api.example.test" not in done.out
    assert f"{HOST}. 300 IN CNAME" in done.out
    assert f"api.example.test: {address} leads nowhere" in done.err
    assert "open to all" not in done.err


def test_a_real_address_is_taken_along_with_a_warning(world: World) -> None:
    row = {"type": "A", "name": "api.example.test", "content": "8.8.4.4", "proxied": True, "ttl": 1}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    done = Answer("export", *flags(world))
    assert "api.example.test. 300 IN A 8.8.4.4\n" in done.out
    assert "8.8.4.4 was behind Cloudflare and is open to all with this" in done.err


def test_an_inner_address_that_was_never_behind_cloudflare_stays(world: World) -> None:
    row = {"type": "A", "name": "inner.example.test", "content": "10.0.0.1", "proxied": False, "ttl": 60}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    assert "inner.example.test. 60 IN A 10.0.0.1\n" in Answer("export", *flags(world)).out


@example("x" * (STRING - 1) + '"' + "y")
@given(text=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=700))
@settings(deadline=None)
def test_a_text_record_is_cut_into_strings_that_fit(text: str) -> None:
    import dns.rdata

    found = dns.rdata.from_text("IN", "TXT", _quoted(text))
    assert b"".join(found.strings).decode() == text  # type: ignore[attr-defined]
    assert all(len(part) <= STRING for part in found.strings)  # type: ignore[attr-defined]


def test_export_has_every_record_and_the_standby_in_place_of_pages(world: World) -> None:
    for row in (
        {"type": "MX", "name": "example.test", "content": "mail.example.test", "priority": 10, "ttl": 3600},
        {"type": "TXT", "name": "example.test", "content": "v=spf1 -all", "ttl": 1},
        {"type": "CNAME", "name": "db.example.test", "content": "x.cfargotunnel.com", "proxied": True, "ttl": 1},
    ):
        world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    zone = ProcessAnswer("export", *flags(world))
    assert f"{HOST}. 300 IN CNAME {STANDBY_NAME}.\n" in zone.out
    assert "example.test. 3600 IN MX 10 mail.example.test.\n" in zone.out
    assert 'example.test. 300 IN TXT "v=spf1 -all"\n' in zone.out
    assert "db.example.test: x.cfargotunnel.com works behind Cloudflare only; left out" in zone.err
    batch = json.loads(Answer("export", "--format", "route53", *flags(world)).out)
    sets = {(row["ResourceRecordSet"]["Name"], row["ResourceRecordSet"]["Type"]) for row in batch["Changes"]}
    assert sets == {(f"{HOST}.", "CNAME"), ("example.test.", "MX"), ("example.test.", "TXT")}

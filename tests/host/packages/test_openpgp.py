"""Fingerprints of keys, read without a program for it."""

import base64
import hashlib

import pytest

from host.packages.openpgp import KeyFileError, primary_fingerprints

# Version 4, made in 2026, with a made-up number for its key.
BODY = b"\x04\x6a\x00\x00\x00\x01" + b"\x00\x20\xff\xff\xff\xff"
FINGERPRINT = hashlib.sha1(b"\x99" + len(BODY).to_bytes(2, "big") + BODY).hexdigest().upper()


def old_packet(tag: int, body: bytes) -> bytes:
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def new_packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, len(body)]) + body


def armored(content: bytes) -> bytes:
    text = base64.b64encode(content)
    return (
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: 1\n\n"
        + text
        + b"\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )


@pytest.mark.parametrize("packet", [old_packet(6, BODY), new_packet(6, BODY), armored(old_packet(6, BODY))])
def test_a_fingerprint_is_read_from_every_form(packet: bytes) -> None:
    assert primary_fingerprints(packet) == {FINGERPRINT}


def test_subkeys_and_names_count_for_nothing() -> None:
    assert primary_fingerprints(old_packet(6, BODY) + old_packet(13, b"name") + old_packet(14, BODY + b"1")) == {
        FINGERPRINT
    }


def test_a_second_key_in_the_file_is_seen() -> None:
    assert len(primary_fingerprints(armored(old_packet(6, BODY) + old_packet(6, BODY[:-1] + b"\x01")))) == 2


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", old_packet(6, BODY)[:-3], old_packet(13, b"name")])
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(KeyFileError):
        primary_fingerprints(content)

"""Fingerprints of OpenPGP public keys (RFC 4880, 4.2 and 12.2).

By hand: a bare host has no program for it, and a library for OpenPGP would be one more dependency for one hash.
"""

import base64
import hashlib
import re
from collections.abc import Iterator

PUBLIC_KEY = 6


class KeyFileError(Exception):
    """The file is not an OpenPGP public key."""


def primary_fingerprints(content: bytes) -> frozenset[str]:
    """Fingerprints of every primary key in a file, armored or not; subkeys are bound to theirs. Raises KeyFileError."""
    found = frozenset(
        hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
        for tag, body in _packets(_dearmored(content))
        if tag == PUBLIC_KEY and body[:1] == b"\x04"
    )
    if not found:
        raise KeyFileError("no public key in it")
    return found


def _dearmored(content: bytes) -> bytes:
    if not content.lstrip().startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        return content
    blocks = re.findall(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END PGP", content, re.DOTALL)
    try:
        return b"".join(base64.b64decode(_body(block)) for block in blocks)
    except ValueError as error:
        raise KeyFileError("its armor is broken") from error


def _body(block: bytes) -> bytes:
    """The base64 body, without headers, which an empty line ends, and the checksum, whose line begins with =."""
    _, _, text = block.replace(b"\r\n", b"\n").partition(b"\n\n") if b"\n\n" in block else (b"", b"", block)
    lines = (line for line in (text or block).splitlines() if not line.startswith(b"="))
    return b"".join(lines)


def _packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        first = content[at]
        if not first & 0x80:
            raise KeyFileError("not OpenPGP")
        tag, length, head = _new_header(content, at) if first & 0x40 else _old_header(content, at)
        if at + head + length > len(content):
            raise KeyFileError("it ends early")
        yield tag, content[at + head : at + head + length]
        at += head + length


def _new_header(content: bytes, at: int) -> tuple[int, int, int]:
    tag, size = content[at] & 0x3F, int.from_bytes(content[at + 1 : at + 2], "big")
    if size < 192:
        return tag, size, 2
    if size < 224:
        return tag, ((size - 192) << 8) + int.from_bytes(content[at + 2 : at + 3], "big") + 192, 3
    if size == 255:
        return tag, int.from_bytes(content[at + 2 : at + 6], "big"), 6
    raise KeyFileError("a packet of unknown length")


def _old_header(content: bytes, at: int) -> tuple[int, int, int]:
    kind = content[at] & 3
    if kind == 3:
        raise KeyFileError("a packet of unknown length")
    width = 1 << kind
    return (content[at] >> 2) & 0x0F, int.from_bytes(content[at + 1 : at + 1 + width], "big"), 1 + width

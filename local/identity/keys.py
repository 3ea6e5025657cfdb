"""The keys that the issuer signs with, in a file of the state folder, and how others come into use.

The first one signs. The second is the next to sign and published before it does, so that nobody meets a key that a
cached list lacks. Those after it have signed, and what they signed is accepted until it ends.
"""

import base64
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from local.common.state import State

ALGORITHM = "RS256"
BITS = 2048
# The one that signs, the next, and the one before; its tokens end long before another rotation.
KEPT = 3

Jwk = dict[str, str]


def file(state: State) -> Path:
    return state.folder / "identity" / "keys.json"


def ensure(state: State) -> Path:
    """The file, mode 0600, made where it is missing."""
    path = file(state)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if _read(state) is None:
        state.write_json(path, [_made(), _made()])
    return path


def rotate(state: State) -> str:
    """Has the next key sign, and publishes one more; the id of the key that signs from now on."""
    ensure(state)
    signing, following, *_ = _read(state) or []
    state.write_json(file(state), [following, _made(), signing][:KEPT])
    return str(following["kid"])


def _read(state: State) -> list[Jwk] | None:
    found: Any = state.read_json(file(state), can_be_remade=True)
    return found if isinstance(found, list) and len(found) > 1 else None


def _made() -> Jwk:
    """A private key as a JWK (RFC 7517); its id is of the modulus, so that no two share it."""
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=BITS).private_numbers()
    public = numbers.public_numbers
    parts = {
        "n": public.n,
        "e": public.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    values = {name: _base64url(number) for name, number in parts.items()}
    return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": values["n"][:16], **values}


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

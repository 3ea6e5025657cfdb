"""SCRAM-SHA-256 verifiers as PostgreSQL stores them: what a server is given in place of a password."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

ITERATIONS = 4096  # PostgreSQL's own scram_iterations.


def verifier(password: str, salt: bytes | None = None) -> str:
    """`SCRAM-SHA-256$iterations:salt$stored key:server key` (PostgreSQL, pg_authid); a new salt unless given one."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def matches(stored: str | None, password: str) -> bool:
    """Whether a server that stores this verifier lets in who knows the password; false for any other kind."""
    parts = (stored or "").split("$")
    if len(parts) != 3 or parts[0] != "SCRAM-SHA-256" or not parts[1].startswith(f"{ITERATIONS}:"):
        return False
    salt = b64decode(parts[1].partition(":")[2])
    return hmac.compare_digest(verifier(password, salt), stored or "")


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()

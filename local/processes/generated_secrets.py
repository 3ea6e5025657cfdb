"""Passwords that a plan leaves to be generated, kept so that every run finds the same ones."""

import secrets
import string
from typing import Any

from local.common.errors import LocalError
from local.common.state import CLEAN, State

ALPHABET = string.ascii_letters + string.digits


class GeneratedSecrets:
    """Values in the state's secrets file (0600), by the name of the resource that stands for them.

    A corrupt file is an error and not made again: the database and its backups know the values in it.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._values = self._read()

    def password(self, name: str, length: int, special: str = "") -> str:
        """The value of this name; made and saved when it is missing, or has another length or other characters."""
        alphabet = ALPHABET + special
        known = self._values.get(name, "")
        if len(known) != length or not set(known) <= set(alphabet):
            self._values[name] = "".join(secrets.choice(alphabet) for _ in range(length))
            self._state.write_json(self._state.secrets_file, self._values)
        return self._values[name]

    def _read(self) -> dict[str, str]:
        data: Any = self._state.read_json(self._state.secrets_file)
        if data is None and (self._state.root.exists() or any(self._state.store.glob("*/keys/*.json"))):
            raise LocalError(
                f"{self._state.secrets_file}: is missing, and the database and its backups know what was in it; {CLEAN}"
            )
        if data is None:
            return {}
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            raise LocalError(f"{self._state.secrets_file}: is not a table of names and values; {CLEAN}")
        return data

"""What the providers generated is nowhere in the clear."""

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plan.model import Plan, Secret
from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def encodings(text: bytes) -> Iterator[bytes]:
    """What base64 makes of a text wherever it stands in a longer one, without the letters that its neighbours share."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text).rstrip(b"=")
        yield encoded[(offset * 8 + 5) // 6 : len(text + b"\0" * offset) * 8 // 6]


def traces(secret: str) -> set[bytes]:
    """A secret as it is, in base64, and in base64 twice, as in the tunnel's token."""
    once = list(encodings(secret.encode()))
    return {secret.encode(), *once, *(twice for text in once for twice in encodings(text))}


def leaks(secrets: set[str], *texts: bytes) -> set[str]:
    return {secret for secret in secrets for trace in traces(secret) for text in texts if trace in text}


@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
def test_a_secret_is_found_in_base64(before: bytes) -> None:
    secret = "TheSecretWithDigits0123"
    once = base64.b64encode(before + secret.encode() + b"etc")
    twice = base64.b64encode(b"{" + once + b"}")
    assert any(trace in once for trace in traces(secret))
    assert any(trace in twice for trace in traces(secret))


@pytest.fixture
def secrets(deployed: TrialEngine) -> set[str]:
    found = {*deployed.secrets("dev"), *deployed.secrets("prod")}
    assert len(found) > 20
    return found


def test_no_secret_is_in_the_state_or_its_history(deployed: TrialEngine, secrets: set[str]) -> None:
    files = [path for path in deployed.state.rglob("*") if path.is_file()]
    assert {"stacks", "history", "backups"} <= {part for path in files for part in path.parts}
    assert leaks(secrets, *(path.read_bytes() for path in files)) == set()


def test_no_secret_is_in_what_pulumi_prints(deployed: TrialEngine, secrets: set[str]) -> None:
    exported = deployed.run("stack", "export", "--stack=dev")
    outputs = [deployed.run("stack", "output", "--stack=dev", *form) for form in ([], ["--json"])]
    assert all("postgresAddress" in text for text in outputs)
    texts = [text.encode() for text in (exported, *outputs)]
    assert leaks(secrets, *texts, deployed.log.read_bytes()) == set()


def test_every_secret_is_in_the_state_when_it_is_decrypted(mine: TrialEngine) -> None:
    # Were it not so, the searches above would look for the wrong values.
    exported = mine.run("stack", "export", "--show-secrets", "--stack=dev")
    secrets = set(mine.secrets("dev"))
    assert leaks(secrets, exported.encode()) == secrets


def test_the_state_encrypts_just_what_the_recorded_plan_calls_secret(deployed: TrialEngine, dev_plan: Plan) -> None:
    state = deployed.export("dev")
    for resource in dev_plan.resources:
        found = state[resource.urn]
        marked = {outside_lists(path) for path in marks(resource.inputs)}
        assert ciphertexts(found.get("inputs", {})) == marked, resource.urn
        if resource.custom:
            made = {(name,) for name in resource.options.additional_secret_outputs if name in found["outputs"]}
            assert ciphertexts(found["outputs"]) == marked | made, resource.urn


def outside_lists(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """The list, where the path leads into one: with a secret in it, the state has it encrypted as a whole."""
    return tuple(itertools.takewhile(lambda step: not isinstance(step, int), path))


IN_THE_CLEAR = """
import pulumi_cloudflare as cloudflare
from components.secrets import guard

guard.refuse_secrets_in_the_clear()
origin = {"host": "h", "database": "d", "user": "u", "scheme": "postgres", "password": "hunter2"}
cloudflare.HyperdriveConfig("plain", account_id="a", name="n", origin={**origin, "access_client_secret": "hunter2"})
"""


def test_the_program_refuses_a_secret_in_the_clear_on_the_engine(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    (engine.project / "__main__.py").write_text(IN_THE_CLEAR)
    output = engine.run("preview", "--stack=dev", is_refused=True)
    assert "origin.password, origin.accessClientSecret: in the clear; allowed: a secret output" in output
    assert "hunter2" not in output
    assert "Traceback" not in output


def marks(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    """Paths of all secrets in recorded values."""
    return {path} if isinstance(value, Secret) else _below(marks, value, path)


def ciphertexts(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    """Paths of all secrets in a state."""
    is_secret = isinstance(value, dict) and value.get(SIGNATURE) == SECRET
    return {path} if is_secret else _below(ciphertexts, value, path)


def _below(find: Any, value: Any, path: tuple[Any, ...]) -> set[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {found for key, item in items for found in find(item, (*path, key))}

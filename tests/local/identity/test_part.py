"""The issuer as a relying party and a person meet it: accounts, tokens, keys, and what a kill leaves."""

import base64
import hashlib
import json
import stat
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from local.common.ports import Ports
from local.common.state import State
from local.identity import keys, part
from local.processes.processes import PART
from local.processes.stack import Stack
from plan.model import Plan
from plan.project import ROOT

pytestmark = pytest.mark.slow
PASSWORD = "analytical engine"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
Eventually = Callable[..., None]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, free_ports: Ports, dev_plan: Plan) -> Iterator[Stack]:
    made = Stack(project=ROOT, state=State(tmp_path_factory.mktemp("identity") / "state"), ports=free_ports)
    made.state.prepare()
    try:
        made.supervisor.start(list)
        run(made, dev_plan)
        yield made
    finally:
        made.supervisor.stop()


def run(stack: Stack, plan: Plan) -> None:
    stack.supervisor.run(part.program(stack, plan), lambda: part.is_ready(stack))


def entered(stack: Stack, **form: str) -> httpx.Response:
    """What follows when somebody fills in the page to sign in, or to register with a name."""
    asked = {
        "client_id": part.SITE,
        "response_type": "code",
        "redirect_uri": f"http://localhost:{stack.ports.web}/auth/callback",
        "scope": "openid email profile",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **({"screen_hint": "signup"} if "name" in form else {}),
    }
    with httpx.Client(base_url=part.issuer(stack), trust_env=False) as client:
        page = client.get("/auth", params=asked, follow_redirects=True)
        assert page.status_code == 200, page.text
        registers = "yes" if "name" in form else "no"
        answer = client.post(page.url.copy_set_param("registers", registers), data=form)
        while answer.is_redirect and "/auth/callback" not in answer.headers["location"]:
            answer = client.get(answer.headers["location"])
        return answer


def is_signed_in(answer: httpx.Response) -> bool:
    return answer.is_redirect and "code=" in answer.headers["location"]


def head(token: str) -> dict[str, Any]:
    first, _, _ = token.partition(".")
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(first + "=="))
    return found


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def published(stack: Stack) -> list[str]:
    answer = httpx.get(f"{part.issuer(stack)}/jwks", trust_env=False).json()
    assert not any({"d", "p", "q"} & key.keys() for key in answer["keys"])
    return [key["kid"] for key in answer["keys"]]


def test_a_program_gets_a_token_for_the_api(stack: Stack) -> None:
    given = claims(part.access_token(stack))
    assert (given["sub"], given["iss"], given["aud"]) == (
        part.PROGRAM,
        f"http://localhost:{stack.ports.identity}",
        "https://api-dev.automatonicai.com",
    )
    assert given["exp"] - given["iat"] == 15 * 60


def test_only_the_first_to_register_an_address_gets_it(stack: Stack) -> None:
    assert is_signed_in(entered(stack, name="Ada", email="first@example.com", password=PASSWORD))
    again = entered(stack, name="Eve", email=" First@Example.com", password="another password")
    assert again.status_code == 422
    assert "sign in" in again.text
    assert not is_signed_in(entered(stack, email="first@example.com", password="another password"))


@pytest.mark.parametrize(
    ("name", "email", "password"),
    [("Ada", "ada", PASSWORD), ("Ada", "a@b.example", "eleven char"), (" ", "a@b.example", PASSWORD)],
)
def test_what_is_no_account_is_refused(stack: Stack, name: str, email: str, password: str) -> None:
    assert entered(stack, name=name, email=email, password=password).status_code == 422


def test_what_somebody_types_is_shown_as_text(stack: Stack) -> None:
    answer = entered(stack, email='"><script>alert(1)</script>', password="x")
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_passwords_and_keys_are_for_their_owner_only(stack: Stack) -> None:
    entered(stack, name="Ada", email="kept@example.com", password=PASSWORD)
    folder = stack.state.folder / "identity"
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert PASSWORD.encode() not in path.read_bytes()


def test_a_killed_issuer_comes_back_with_everybody_and_its_keys(
    stack: Stack, dev_plan: Plan, eventually: Eventually
) -> None:
    assert is_signed_in(entered(stack, name="Ada", email="ada@example.com", password=PASSWORD))
    known = published(stack)
    (process,) = [one for one in psutil.process_iter(["environ"]) if is_issuer(one, stack)]
    process.kill()
    eventually(lambda: not part.is_ready(stack))
    run(stack, dev_plan)
    assert is_signed_in(entered(stack, email="Ada@example.com", password=PASSWORD))
    assert not is_signed_in(entered(stack, email="ada@example.com", password=PASSWORD + "!"))
    assert published(stack) == known


def is_issuer(process: psutil.Process, stack: Stack) -> bool:
    environment = process.info["environ"] or {}
    return environment.get(PART) == part.NAME and str(stack.state.folder) in " ".join(process.cmdline())


def test_the_next_key_is_known_before_it_signs_and_the_last_one_after(stack: Stack, eventually: Eventually) -> None:
    signing, following = published(stack)[:2]
    before = part.access_token(stack)
    assert head(before)["kid"] == signing
    assert keys.rotate(stack.state) == following
    eventually(lambda: published(stack)[0] == following)
    after = part.access_token(stack)
    assert (head(after)["kid"], claims(after)["iss"]) == (following, claims(before)["iss"])
    assert signing in published(stack)
    keys.rotate(stack.state)
    eventually(lambda: signing not in published(stack))
    assert following in published(stack)


def test_a_damaged_list_of_keys_is_made_again(state: State) -> None:
    path = keys.ensure(state)
    kept = path.read_text()
    assert keys.ensure(state).read_text() == kept
    path.write_text("[{")
    assert len(json.loads(keys.ensure(state).read_text())) == 2

"""The issuer as a part of the stack, what the Workers are told of it, and tokens from it.

People, their sessions and the keys are in the state folder, and outlive the process, a killed one too.
"""

import http.client
from pathlib import Path

import httpx

from components.common.sessions import REFRESH_DAYS, SCOPES, TOKEN_MINUTES
from local.common.errors import LocalError
from local.common.values import setting
from local.host.realisation import Realisation
from local.identity import keys
from local.processes.program import Program, content_hash
from local.processes.stack import Stack
from plan.model import Plan

NAME = "identity"
CODE = Path(__file__).with_name("issuer")
SITE = "site"
PROGRAM = "verify"
"""The client of `local verify` and of the tests, and the subject of its tokens."""
ROLES_CLAIM = "roles"
SECONDS = 10


def issuer(stack: Stack) -> str:
    return f"http://localhost:{stack.ports.identity}"


def bindings(stack: Stack, plan: Plan) -> dict[str, str | None]:
    """What the Workers get in place of what is declared, by binding; None: that one they don't get here."""
    return {
        "OIDC_ISSUER": issuer(stack),
        "OIDC_JWKS_URL": f"{issuer(stack)}/jwks",
        "OIDC_AUDIENCE": _audience(plan),
        "OIDC_AUDIENCE_CLAIM": "aud",
        "OIDC_ROLES_CLAIM": ROLES_CLAIM,
        "OIDC_CLIENT_ID": SITE,
        "OIDC_CLIENT_SECRET": _secret(stack, SITE),
        "OIDC_SCOPE": " ".join(SCOPES),
        # The local issuer has what the standards say, and Cognito has its own.
        "OIDC_REQUESTED_AUDIENCE": None,
        "OIDC_SIGN_UP_URL": None,
        "OIDC_LOGOUT_URL": None,
        "ALLOWED_ORIGINS": ",".join(_origins(stack)),
    }


def start(realisation: Realisation) -> str:
    stack = realisation.stack
    return realisation.run(program(stack, realisation.plan), lambda: is_ready(stack))


def program(stack: Stack, plan: Plan) -> Program:
    signing = keys.ensure(stack.state)
    folder = signing.parent
    config = folder / "config.json"
    stack.state.write_json(
        config,
        {
            "port": stack.ports.identity,
            "issuer": issuer(stack),
            "audience": _audience(plan),
            # As of Cognito.
            "accessSeconds": TOKEN_MINUTES * 60,
            "sessionSeconds": REFRESH_DAYS * 86400,
            "mayRegister": setting(plan, "publicSignUp") == "true",
            "database": str(folder / "issuer.sqlite"),
            "keys": str(signing),
            "cookieKey": stack.secrets.password("identity-cookies", 43),
            "clients": [
                {
                    "client_id": SITE,
                    "client_secret": _secret(stack, SITE),
                    "token_endpoint_auth_method": "client_secret_post",
                    "grant_types": ["authorization_code", "refresh_token"],
                    "redirect_uris": [f"{origin}/auth/callback" for origin in _origins(stack)],
                    "post_logout_redirect_uris": [f"{origin}/" for origin in _origins(stack)],
                },
                {
                    "client_id": PROGRAM,
                    "client_secret": _secret(stack, PROGRAM),
                    "grant_types": ["client_credentials"],
                    "response_types": [],
                    "redirect_uris": [],
                },
            ],
        },
    )
    node = stack.project / "node_modules/.bin/node"
    return Program(
        name=NAME,
        # node:sqlite still says at each start that it is experimental.
        command=(str(node), "--disable-warning=ExperimentalWarning", str(CODE / "serve.mjs"), str(config)),
        contents=(content_hash(config, CODE),),
    )


def is_ready(stack: Stack) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.identity, timeout=2)
    try:
        connection.request("GET", "/.well-known/openid-configuration")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def access_token(stack: Stack) -> str:
    """A program's token for the API, good for a quarter of an hour. Raises LocalError."""
    try:
        answer = httpx.post(
            f"http://127.0.0.1:{stack.ports.identity}/token",
            data={"grant_type": "client_credentials"},
            auth=(PROGRAM, _secret(stack, PROGRAM)),
            timeout=SECONDS,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise LocalError(f"{NAME}: does not answer ({error}); see `./hybrid local status`") from error
    if not answer.is_success:
        raise LocalError(f"{NAME}: gives {PROGRAM} no token: {answer.text}")
    return str(answer.json()["access_token"])


def _audience(plan: Plan) -> str:
    return f"https://{setting(plan, 'apiHostname')}"


def _origins(stack: Stack) -> list[str]:
    return [f"http://{host}:{stack.ports.web}" for host in ("localhost", "127.0.0.1")]


def _secret(stack: Stack, client: str) -> str:
    return stack.secrets.password(f"identity-{client}", 43)

"""The emulated control plane as a part of the stack."""

import hashlib
import sys
from pathlib import Path

from local.common.parts import KNOTD
from local.control_plane.settings import Account, NameServer, SeedZone, Settings, Token
from local.edge.part import get_status
from local.failover import name_server
from local.failover.declared import DeclaredEdge, declared_edge
from local.host.realisation import Realisation
from local.processes.program import Program, content_hash
from local.processes.stack import Stack

NAME = "control-plane"
PROJECT = Path(__file__).parents[2]
SOURCES = (
    *(path for folder in ("local/control_plane", "durable") for path in sorted(PROJECT.glob(f"{folder}/*.py"))),
    *(PROJECT / path for path in ("local/common/state.py", "local/common/errors.py", "components/common/errors.py")),
)
"""What the program runs of ours: a change of one starts it again."""
OWNER, ROLLBACK = "control-plane-owner", "control-plane-rollback"
TOKEN_LENGTH = 40
# What the rollback's own token may do, and nothing else.
ROLLBACK_SCOPES = ("dns:write", "routes:write")
LOOPBACK = ("127.0.0.0/8",)


def folder(stack: Stack) -> Path:
    return stack.state.folder / NAME


def api(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.ports.control_plane}/client/v4"


def refuse(realisation: Realisation) -> None:
    declared_edge(realisation.plan)


def start(realisation: Realisation) -> str:
    stack = realisation.stack
    feed = name_server.feed(stack) if KNOTD.path else None
    return realisation.run(program(stack, declared_edge(realisation.plan), feed), lambda: is_ready(stack))


def program(stack: Stack, declared: DeclaredEdge, feed: NameServer | None) -> Program:
    """Writes the settings and describes the program; its data are in another file, which outlives it."""
    folder(stack).mkdir(mode=0o700, exist_ok=True)
    settings = Settings(
        folder=folder(stack),
        port=stack.ports.control_plane,
        account=Account(id=declared.account, name=declared.zone_name),
        zones=(SeedZone(id=declared.zone, name=declared.zone_name),),
        tokens=(_token(stack, OWNER, "*"), _token(stack, ROLLBACK, *ROLLBACK_SCOPES)),
        scripts=declared.scripts,
        name_server=feed,
    )
    path = folder(stack) / "settings.json"
    stack.state.write_json(path, settings.model_dump(mode="json"))
    return Program(
        name=NAME,
        command=(sys.executable, "-m", "local.control_plane", str(path)),
        environment={"PYTHONPATH": str(PROJECT)},
        contents=(content_hash(path, *SOURCES),),
    )


def is_ready(stack: Stack) -> bool:
    return get_status(stack.ports.control_plane, "/_health") == 200


def write_rollback_token(stack: Stack) -> None:
    """Into a file of its own, 0600, as `./hybrid failover --token-file` reads it."""
    path, value = stack.state.failover_token, token_value(stack, ROLLBACK)
    if not path.exists() or path.read_text() != value:
        stack.state.write(path, value)


def token_value(stack: Stack, name: str) -> str:
    return stack.secrets.password(name, TOKEN_LENGTH)


def _token(stack: Stack, name: str, *scopes: str) -> Token:
    digest = hashlib.sha256(token_value(stack, name).encode()).hexdigest()
    return Token(id=digest[:32], name=name, sha256=digest, scopes=scopes, networks=LOOPBACK)

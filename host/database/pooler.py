"""PgBouncer, which pools connections in front of PostgreSQL as Hyperdrive does in the cloud."""

import re
from collections.abc import Iterable, Mapping

from pyinfra.context import host
from pyinfra.facts.files import FileContents

from host.common import layout, rendering
from host.common.rendering import render, written
from host.database.roles import matches, verifier
from host.specification.model import Spec


def apply(spec: Spec) -> None:
    written(
        name="pooler settings",
        text=settings_text(spec),
        path=layout.POOLER_SETTINGS,
        owner=layout.OWNER,
        mode="640",
        grammar=rendering.POOLER_GRAMMAR,
    )
    written(
        name="pooler passwords",
        text=passwords_text(verifiers(spec)),
        path=layout.POOLER_PASSWORDS,
        owner=layout.OWNER,
        mode="600",
        grammar=rendering.POOLER_PASSWORDS_GRAMMAR,
    )


def settings_text(spec: Spec) -> str:
    return render("pgbouncer.ini.j2", spec=spec, layout=layout)


def verifiers(spec: Spec) -> dict[str, str]:
    """SCRAM verifier of each pooled role: the one in place where it fits the password, so that nothing changes.

    PostgreSQL must hold the very same ones: PgBouncer then logs in with the keys that its client proved to have. With
    passwords in its file it would derive the keys at each login, 5 ms of its only thread (seen with 1.24).
    """
    passwords = {role.name: role.password for role in spec.postgres.roles if role.password is not None}
    known = parsed(host.get_fact(FileContents, path=layout.POOLER_PASSWORDS) or [])
    return {
        name: known[name] if matches(known.get(name), passwords[name]) else verifier(passwords[name])
        for name in spec.pooler.roles
    }


def parsed(lines: Iterable[str]) -> dict[str, str]:
    """Role and verifier of each line of PgBouncer's file."""
    found = (re.fullmatch(r'"([^"]*)" "([^"]*)"', line) for line in lines)
    return {line[1]: line[2] for line in found if line}


def passwords_text(held: Mapping[str, str]) -> str:
    """The pooler's password file: a `"role" "verifier"` on each line."""
    return "".join(f'"{name}" "{text}"\n' for name, text in held.items())

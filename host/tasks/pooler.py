"""PgBouncer, which pools connections in front of PostgreSQL as Hyperdrive does in the cloud."""

from host import layout
from host.rendering import render, written
from host.spec import Spec


def apply(spec: Spec) -> None:
    written(
        name="pooler settings",
        text=settings_text(spec),
        path=layout.POOLER_SETTINGS,
        owner=layout.OWNER,
        mode="640",
    )
    written(
        name="pooler passwords",
        text=passwords_text(spec),
        path=layout.POOLER_PASSWORDS,
        owner=layout.OWNER,
        mode="600",
    )


def settings_text(spec: Spec) -> str:
    return render("pgbouncer.ini.j2", spec=spec, layout=layout)


def passwords_text(spec: Spec) -> str:
    """One `"role" "password"` a line; PgBouncer reads a doubled quote as one."""
    passwords = {role.name: role.password.replace('"', '""') for role in spec.postgres.roles}
    return "".join(f'"{name}" "{passwords[name]}"\n' for name in spec.pooler.roles)

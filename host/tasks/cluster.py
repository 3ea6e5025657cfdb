"""PostgreSQL's folders, data directory, settings and client authentication; needs no running server."""

from collections.abc import Mapping

from pyinfra.context import host
from pyinfra.operations import files

from host import grammar, layout
from host.facts.control_data import StandbyMinimums
from host.layout import AS_OWNER, OWNER
from host.rendering import render, written
from host.specification.model import Postgres, Spec
from host.tasks import data_directory
from host.tuning import tuned

LOOPBACK = ("127.0.0.1/32", "::1/128")


def apply(spec: Spec) -> None:
    postgres = spec.postgres
    data, settings = layout.data(postgres.major), layout.settings(postgres.major)
    for name, path, mode in (
        ("folder of versions", data.parent, "700"),
        ("folder of settings", settings, "755"),
        ("folder of sockets", layout.SOCKETS, "2775"),
    ):
        files.directory(name=name, path=str(path), user=OWNER, group=OWNER, mode=mode)
    data_directory.apply(spec)
    written(
        name="PostgreSQL settings",
        text=settings_text(spec, _minimums(postgres)),
        path=f"{settings}/postgresql.conf",
        owner=OWNER,
        mode="644",
        check=f"{AS_OWNER} {layout.programs(postgres.major)}/postgres -C port -D {data} --config-file={{}} >/dev/null",
    )
    for name, file, text, allowed in (
        ("user name map", "pg_ident.conf", name_map_text(spec), grammar.USER_MAP),
        ("client authentication rules", "pg_hba.conf", authentication_text(spec), grammar.CLIENT_RULES),
    ):
        written(name=name, text=text, path=f"{settings}/{file}", owner=OWNER, mode="640", grammar=allowed)


def settings_text(spec: Spec, minimums: Mapping[str, int] | None = None) -> str:
    """`minimums` are a standby's: the larger of both is taken."""
    postgres, pooler = spec.postgres, spec.pooler
    tuning = tuned(
        postgres.memory_mb,
        postgres.cpus,
        pooled=pooler.pool_size * len(pooler.roles),
        disk_gb=spec.disk.size_gb if spec.disk else None,
    )
    return render("postgresql.conf.j2", spec=spec, tuning=tuning, layout=layout, minimums=minimums or {})


def authentication_text(spec: Spec) -> str:
    """A host that does not serve lets nobody in but over its socket."""
    roles = [role for role in spec.postgres.roles if role.way_in == "password"] if spec.postgres.is_serving else []
    return render("pg_hba.conf.j2", spec=spec, owner=OWNER, roles=roles, loopback=LOOPBACK)


def name_map_text(spec: Spec) -> str:
    return render("pg_ident.conf.j2", spec=spec, owner=OWNER)


def _minimums(postgres: Postgres) -> dict[str, int]:
    return host.get_fact(
        StandbyMinimums,
        control_data=f"{layout.programs(postgres.major)}/pg_controldata",
        data=str(layout.data(postgres.major)),
    )

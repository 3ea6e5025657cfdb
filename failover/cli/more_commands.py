"""The commands that are not for the incident itself: status, drill, resolve, export."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from failover.cli.commands import (
    AsJson,
    By,
    Execute,
    Form,
    Hosts,
    IdsFile,
    JournalFile,
    Seconds,
    Served,
    TokenFile,
    Way,
    again,
    secret,
    setup,
)
from failover.cli.terminal import progress, show, show_json, tell

if TYPE_CHECKING:
    from failover.cli.status import Status
    from failover.cloudflare.resolve import Wanted
    from failover.common.ids import Ids

LOOK_SECONDS = 25.0
# As a shell says it: 128 and the signal's number.
INTERRUPTED = 130
OnlyReads = Annotated[
    bool,
    typer.Option("--read-only", help="The token may only read, and is not the rollback's own."),
]
KeepUntil = Annotated[
    datetime | None,
    typer.Option("--keep-until", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="How long the stand-by stays."),
]


def status(
    context: typer.Context,
    only_reads: OnlyReads = False,
    hosts: Hosts = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Active side, what clients get, builds, certificate, token, last drill; exit 1 if a rollback would be refused."""
    from failover.cli.status import status as run
    from failover.operation.changes import Act
    from failover.operation.operation import Operation

    ids, place = setup(context, file, journal, hosts)
    operation = Operation(
        ids=ids, place=place, token=secret(context, file, token_file), act=Act.ROLLBACK, total_seconds=LOOK_SECONDS
    )
    with contextlib.closing(operation):
        found = run(operation, only_reads=only_reads)
    if as_json:
        show_json(found.document())
    else:
        show(_status_lines(found))
    if found.faults:
        raise typer.Exit(1)


def _status_lines(found: "Status") -> Iterator[str]:
    for host in found.hosts:
        days = host["certificate_days"]
        yield f"{host['hostname']}: {host['active'] or 'unknown'} is the active side, by the API"
        if host["plan"]:
            yield f"  by plan {host['plan']}"
        if host["route"]:
            yield f"  route {host['route']['pattern']}: script {host['route']['script'] or 'none'}"
        if host["record"]:
            yield f"  record: {host['record']}"
        for one in host["clients"]:
            end = one["fault"] or f"{one['answered_by']}, build {one['build'] or 'not named'}, {one['milliseconds']} ms"
            where = ", ".join(one["addresses"]) or "no address"
            yield f"  by {one['resolver']}: {where}" + (f" (TTL {one['ttl']} s)" if one["ttl"] else "") + f": {end}"
        yield f"  stand-by {host['standby']}"
        parity = {None: "not known", True: "the same", False: "DIFFERENT"}[host["parity"]]
        if host["worker_not_asked"]:
            yield f"  Cloudflare's side was not asked: {host['worker_not_asked']}"
        yield f"  builds: {parity}; certificate: {'not seen' if days is None else f'{days} days left'}"
    yield f"token: {found.token}"
    yield f"stand-by stays until {found.keep_until or 'no date is given'}"
    yield f"last drill: {found.last_drill or 'none'}; last operation: {found.last_operation or 'none'}"
    for warning in found.warnings:
        yield f"warning: {warning}"
    for fault in found.faults:
        yield f"fault: {fault}"
    yield f"{found.stack}: {found.summary} ({found.seconds} s)"


def drill(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How often.")] = 1,
    is_execute: Execute = False,
    via: By = Way.ROUTE,
    hosts: Hosts = None,
    seconds: Seconds = 300.0,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Roll back and restore while clients ask every 100 ms; exit 1 when a target is missed. Locally by default."""
    from failover.drill import drilled
    from failover.drill.drill import drill as run
    from failover.operation.changes import Act, Via
    from failover.operation.operation import Operation

    ids, place = setup(context, file, journal, hosts)
    token = secret(context, file, token_file)

    def make(act: Act, drill: str | None) -> Operation:
        what: dict[str, Any] = {"ids": ids, "place": place, "token": token, "via": Via(via), "total_seconds": seconds}
        return Operation(act=act, is_drill=True, drill=drill, **what)

    if not is_execute and not (file is None and context.obj.is_local):
        names = ", ".join(host.hostname for host in ids.hosts)
        often = "once" if count == 1 else f"{count} times"
        show([f"would roll back {names} by {via} and restore it, {often}, for real clients to see"])
        tell(f"nothing was changed; do it with: {again(context, 'drill')}")
        return
    with context.obj.changing():
        found = run(make, Via(via), count, progress)
    files = drilled.write(place.evidence, found)
    if as_json:
        show_json(found.document() | {"files": [str(path) for path in files]})
    else:
        show([*drilled.lines(found), *map(str, files)])
    if not found.is_passed:
        raise typer.Exit(INTERRUPTED if found.is_interrupted else 1)


def resolve(
    context: typer.Context,
    hosts: Hosts = None,
    stack: Annotated[str | None, typer.Option("--stack", metavar="STACK", help="For a new file: the stack.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", metavar="NAME", help="For a new file: the zone's name.")] = None,
    zone_id: Annotated[str | None, typer.Option("--zone-id", metavar="ID", help="And its id, else looked up.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="The account's id.")] = None,
    kind: Annotated[Served | None, typer.Option("--kind", help="What serves the hosts.", show_default=False)] = None,
    standby: Annotated[str | None, typer.Option("--standby", metavar="NAME", help="Where the stand-by is.")] = None,
    script: Annotated[str | None, typer.Option("--script", metavar="NAME", help="Worker of a blank route.")] = None,
    keep_until: KeepUntil = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Look the ids up again and write the file; with --host only those hosts, and the others stay.

    With --zone, --stack and --host it makes a file of just these hosts: for the first time, or to leave one out.
    """
    from failover.cloudflare.resolve import Wanted
    from failover.common import ids as shape
    from failover.common.errors import UsageError
    from failover.common.ids import Kind

    target = file or context.obj.ids()
    if target is None:
        raise UsageError("--ids: name the file to write")
    if zone and not (stack and hosts):
        raise UsageError("--zone: a new file also needs --stack and --host")
    known = None if zone else shape.read(target)
    ids = known or _new_ids(stack or "", zone or "", zone_id or "", account or "")
    if not hosts and len(ids.hosts) > 1 and (kind or standby or script):
        raise UsageError("--kind, --standby, --script: name the host that they are for with --host")
    names, served = hosts or [host.hostname for host in ids.hosts], Kind(kind) if kind else None
    wanted = [Wanted(hostname=name, kind=served, standby=standby, script=script) for name in names]
    found = _looked_up(ids, wanted, secret(context, file, token_file), keep_until)
    shape.write(target, found)
    tell(f"{target}: {'as before' if known and _same(known, found) else 'changed'}")
    if as_json:
        show_json(found.document())


def _looked_up(ids: "Ids", wanted: "list[Wanted]", token: str, keep_until: datetime | None) -> "Ids":
    from dataclasses import replace

    from failover.cloudflare.api import Api
    from failover.cloudflare.resolve import resolve as run
    from failover.cloudflare.resolve import zone_of
    from failover.cloudflare.transport import Transport

    transport = Transport(base_url=ids.api, token=token)
    with contextlib.closing(transport):
        if not ids.zone_id or not ids.account:
            found_zone, found_account = zone_of(Api(ids, transport), ids.zone_name)
            ids = replace(ids, zone_id=ids.zone_id or found_zone, account=ids.account or found_account)
        stays = f"{keep_until:%Y-%m-%d}" if keep_until else ids.keep_until
        return run(replace(ids, keep_until=stays), Api(ids, transport), wanted)


def _new_ids(stack: str, zone: str, zone_id: str, account: str) -> "Ids":
    from failover.common.ids import Ids

    api = "https://api.cloudflare.com/client/v4"
    return Ids(stack=stack, api=api, account=account, zone_id=zone_id, zone_name=zone, hosts=())


def _same(before: "Ids", after: "Ids") -> bool:
    from dataclasses import replace

    return replace(before, resolved_at="") == replace(after, resolved_at="")


def export(
    context: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="A zone file, or a change batch for Route 53.")] = Form.BIND,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it here.")] = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
) -> None:
    """Plan C: the zone for another provider, with every failover host on the stand-by."""
    from failover.cloudflare.api import Api
    from failover.cloudflare.export import bind, route53, zone
    from failover.cloudflare.transport import Transport
    from failover.common.files import replace

    ids, _ = setup(context, file, None, None)
    transport = Transport(base_url=ids.api, token=secret(context, file, token_file))
    with contextlib.closing(transport):
        found = zone(ids, Api(ids, transport))
    text = bind(found) if form is Form.BIND else route53(found)
    for warning in found.warnings:
        tell(f"warning: {warning}")
    if output:
        replace(output, text)
        tell(f"{output}: {len(found.rows)} records")
    elif not show([text.removesuffix("\n")]):
        raise typer.Exit(1)

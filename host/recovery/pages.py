"""Pages of the serving cluster whose checksum is wrong, as table and block."""

import re
from contextlib import suppress

from host.common import layout
from host.recovery.errors import RecoveryError, say
from host.recovery.machine import Machine

# pgBackRest's words (command/backup/backup.c). Its blocks are counted through all segments of a relation.
FOUND = re.compile(r"WARN: invalid page checksums? found in file (?P<path>\S+) at pages? (?P<blocks>[\d, -]+)")
# Half a page at a file's end is no page to PostgreSQL: it is not read, and the next one is written over it (mdnblocks).
# Of such a file pgBackRest names no other page, wrong as it may be (backup.c).
GROWS = "as a full disk leaves it; PostgreSQL ignores half a page at the end; nothing is known of the other pages"
TORN = re.compile(r"WARN: page misalignment in file (?P<path>[^:\s]+): (?P<fault>.*)")
# PostgreSQL's (backup/basebackup.c), counted in the file, at most five a file.
FAILED = re.compile(r'checksum verification failed in file "(?:\./)?(?P<path>[^"]+)", block (?P<block>\d+)')
FILE = re.compile(
    r"(?:.*/)?(?P<place>global|base/(?P<own>\d+)|pg_tblspc/(?P<space>\d+)/PG_[^/]+/(?P<other>\d+))"
    r"/(?P<number>\d+)(?:_[a-z]+)?(?:\.(?P<segment>\d+))?"
)
SEGMENT_BLOCKS = 131_072
"""Of a gigabyte, after which a relation goes on in another file (PostgreSQL's RELSEG_SIZE)."""
DEFAULT_SPACE, GLOBAL_SPACE = "1663", "1664"
KINDS = {"r": "table", "t": "table", "m": "materialized view", "i": "index", "S": "sequence"}
DATABASE = "SELECT datname FROM pg_database WHERE oid = {}"
RELATION = """
SET search_path = '';
SELECT c.oid::regclass, c.relkind, coalesce(i.indrelid, t.oid)::regclass FROM pg_class c
LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.reltoastrelid = c.oid
WHERE c.oid = pg_filenode_relation({space}, {number})
"""


def faults(machine: Machine, output: str) -> list[str]:
    """One a file that pgBackRest named as it made a backup."""
    blocks = [
        f"{_named(machine, one['path'])}: wrong checksum in block {one['blocks']}" for one in FOUND.finditer(output)
    ]
    return blocks + [f"{_named(machine, one['path'])}: {one['fault']}, {GROWS}" for one in TORN.finditer(output)]


def searched(machine: Machine) -> list[str]:
    """The same where pgBackRest named none: 2.55 ends by a signal where pages beside each other are damaged."""
    say("looking for the damaged pages")
    # Reads all and keeps nothing of it.
    argv = [machine.program("pg_basebackup"), "--target=blackhole", "--wal-method=none", "--checkpoint=fast"]
    address = ["--host", layout.SOCKETS, "--port", str(machine.spec.postgres.port), "--username", layout.OWNER]
    output = machine.run([*argv, *address], seconds=None).stderr
    found: dict[str, list[str]] = {}
    for one in FAILED.finditer(output):
        file = FILE.fullmatch(one["path"])
        offset = int(file["segment"] or 0) * SEGMENT_BLOCKS if file else 0
        found.setdefault(one["path"], []).append(str(int(one["block"]) + offset))
    return [f"{_named(machine, path)}: wrong checksum in block {', '.join(blocks)}" for path, blocks in found.items()]


def _named(machine: Machine, path: str) -> str:
    """The relation with its file; the file alone where nothing is known of it."""
    name = None
    with suppress(RecoveryError):
        name = _relation(machine, path)
    return f"{name} ({path})" if name else path


def _relation(machine: Machine, path: str) -> str | None:
    file = FILE.fullmatch(path)
    if file is None:
        return None
    number = file["own"] or file["other"]
    databases = machine.psql(DATABASE.format(number), database="postgres") if number else [["postgres"]]
    space = file["space"] or (DEFAULT_SPACE if file["own"] else GLOBAL_SPACE)
    for (database,) in databases:
        for name, kind, table in machine.psql(RELATION.format(space=space, number=file["number"]), database=database):
            of = f" of {table}" if table else ""
            return f"database {database}: {KINDS.get(kind, 'relation')} {name}{of}"
    return None

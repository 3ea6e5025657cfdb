"""TimescaleDB as the databases have it, and the server that runs."""

from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

QUERY = (
    "SELECT current_database() || '=' || coalesce(installed_version, '') || '=' || default_version"
    " FROM pg_available_extensions WHERE name = 'timescaledb'"
)


@dataclass(frozen=True, kw_only=True)
class TimescaleState:
    is_known: bool = False
    """The server answered for every database."""
    server: str = ""
    """Version of the PostgreSQL that runs."""
    default: str = ""
    """The TimescaleDB that is installed."""
    extensions: dict[str, str] = field(default_factory=dict)
    """Version in each database that has it."""


class TimescaleVersions(FactBase[TimescaleState]):
    """`psql` is its command line without a database; every one that lets anyone in is asked."""

    def command(self, psql: str) -> str:
        databases = f'{psql} --dbname=postgres --command="SELECT datname FROM pg_database WHERE datallowconn"'
        return (
            f"{psql} --dbname=postgres --command='SHOW server_version' && names=$({databases})"
            f' && for name in $names; do {psql} --dbname="$name" --command="{QUERY}" || exit 0; done'
            " && echo complete || true"
        )

    @staticmethod
    def default() -> TimescaleState:
        return TimescaleState()

    def process(self, output: list[str]) -> TimescaleState:
        rows = [line.split("=") for line in output if line.count("=") == 2]
        return TimescaleState(
            is_known=output[-1:] == ["complete"],
            server=output[0].split()[0] if output and output[0].strip() else "",
            default=rows[0][2] if rows else "",
            extensions={name: version for name, version, _ in rows if version},
        )

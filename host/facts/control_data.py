"""What a standby's settings must not fall below."""

from pyinfra.api.facts import FactBase

from host.control_data import minimums


class StandbyMinimums(FactBase[dict[str, int]]):
    """Settings of the server that a standby follows: with less of any of these it refuses to go on. {} on any other."""

    def command(self, control_data: str, data: str) -> str:
        return f"if [ -e {data}/standby.signal ]; then LC_ALL=C {control_data} -D {data}; fi"

    @staticmethod
    def default() -> dict[str, int]:
        return {}

    def process(self, output: list[str]) -> dict[str, int]:
        return minimums(output)

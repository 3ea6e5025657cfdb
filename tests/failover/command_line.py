"""`failover` as on-call calls it: in this process, or in one of its own."""

import contextlib
import os
import sys
from pathlib import Path

from typer.testing import CliRunner

from failover.cli.commands import Surroundings, application
from tests.commands import ran
from tests.failover.world import TOKENS, World
from tests.run.leftovers import MARK

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-P", "-m", "failover"]
ROLLBACK = TOKENS["rollback"][0]


def flags(world: World) -> list[str]:
    return ["--ids", str(world.folder / "failover.json")]


def environment(token: str | None = ROLLBACK) -> dict[str, str]:
    """Nothing of the tests' own stack."""
    kept = {key: value for key, value in os.environ.items() if key == MARK or not key.startswith("HYBRID")}
    # The SDK prefers an address or a key of the environment to the token that it is given.
    kept |= {"PYTHONPATH": str(ROOT), "COLUMNS": "160", "CLOUDFLARE_EMAIL": "somebody@example.test"}
    return kept | ({"HYBRID_ROLLBACK_TOKEN": token} if token else {})


class Answer:
    """Exit code and what was said."""

    def __init__(self, *arguments: str, token: str | None = ROLLBACK, folder: Path = ROOT) -> None:
        self.code, self.out, self.err = self._run(arguments, environment(token), folder)
        assert "Traceback" not in self.err, self.err

    def _run(self, arguments: tuple[str, ...], variables: dict[str, str], folder: Path) -> tuple[int, str, str]:
        """Runs without a new interpreter, which takes half a second of processor time to import the SDK."""
        gone = dict.fromkeys(os.environ.keys() - variables.keys())
        app = application(Surroundings(), name="failover")
        with contextlib.chdir(folder):
            runner = CliRunner(env={**gone, **variables})
            done = runner.invoke(app, arguments, prog_name="failover", catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr


class ProcessAnswer(Answer):
    """Answer of `python -m failover`, without Pulumi, plan or checkout: at least one test of each command has it."""

    seconds: float
    """Processor time: what others do on the machine is not ours."""

    def _run(self, arguments: tuple[str, ...], variables: dict[str, str], folder: Path) -> tuple[int, str, str]:
        before = os.times()
        done = ran([*COMMAND, *arguments], cwd=folder, env=variables)
        after = os.times()
        self.seconds = after.children_user + after.children_system - before.children_user - before.children_system
        return done.returncode, done.stdout, done.stderr

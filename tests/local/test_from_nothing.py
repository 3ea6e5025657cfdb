"""A project's local stack from its first `up` to its last `down`, and what changes of the project do to it between."""

import http.client
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.common import lock
from local.common.parts import PARTS
from local.common.state import State
from plan.project import ROOT
from tests.local.stack_under_test import (
    StackUnderTest,
    api_config,
    copy_project,
    removed,
    request,
    skip_without_stack,
)
from tests.waiting import until

# The first test makes the stack, the last one removes it.
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.random_order(disabled=True)]
COMPONENT, DECLARED = "components/edge/api_worker.py", '{"type": "plain_text", "name": "ENVIRONMENT"'
STEPS = ["root", "supervisor", *(step for part in PARTS for step in (part.name, *part.steps))]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """A stack of a copy of the project; not there yet."""
    skip_without_stack()
    with removed(StackUnderTest(project=copy_project(tmp_path_factory.mktemp("project")))) as made:
        yield made


def files(project: Path) -> set[str]:
    """But for what Python compiles, and what bundles are placed from."""
    return {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if not {"__pycache__", ".built"}.intersection(path.relative_to(project).parts)
    }


def test_the_first_up_makes_every_part(stack: StackUnderTest) -> None:
    told = stack.up().splitlines()
    assert [line.split()[0] for line in told if line.startswith("  ")] == STEPS
    assert told[-1] == f"changed: {', '.join(STEPS)}"
    assert stack.json("verify", "--requests", "20")["is_passed"]


def test_a_binding_added_to_the_program_appears(stack: StackUnderTest) -> None:
    component = stack.project / COMPONENT
    source = component.read_text()
    assert source.count(DECLARED) == 1
    component.write_text(
        source.replace(DECLARED, '{"type": "plain_text", "name": "EXTRA", "text": "new"}, ' + DECLARED)
    )
    assert stack.up().splitlines()[-1] == "changed: edge"
    assert api_config(stack)["vars"]["EXTRA"] == "new"


def test_a_binding_that_is_taken_out_goes_and_a_new_bucket_changes_only_the_edge(stack: StackUnderTest) -> None:
    (stack.project / COMPONENT).write_text((ROOT / COMPONENT).read_text())
    settings = stack.project / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text().replace("mediaBuckets: [media]", "mediaBuckets: [media, logos]"))
    assert stack.up().splitlines()[-1] == "changed: edge"
    assert "EXTRA" not in api_config(stack)["vars"]
    _, buckets = request(stack.first_port + 5, "GET", "/buckets")
    assert [bucket["name"] for bucket in buckets] == ["automatonicai-dev-logos", "automatonicai-dev-media"]


def served(stack: StackUnderTest) -> object:
    try:
        _, answer = request(stack.first_port, "GET", "/healthcheck")
    except (OSError, http.client.HTTPException):
        return None
    return answer["environment"] if isinstance(answer, dict) else None


def test_a_source_that_is_newer_than_its_bundle_is_served(stack: StackUnderTest) -> None:
    route = stack.project / "apps/worker/src/routes/health.ts"
    source = route.read_text()
    route.write_text(source.replace("c.env.ENVIRONMENT", '"newer"'))
    pid = stack.pid("edge")
    assert stack.up().splitlines()[-1] == "changed: edge"
    assert served(stack) == "newer"
    route.write_text(source.replace("c.env", "c.env."))
    refused = stack.run("up")
    assert refused.returncode == 1
    assert "worker/src/routes/health.ts:" in refused.stderr
    assert refused.stderr.endswith("hybrid: apps/: bundling failed (error above); fix it, then try again\n")
    route.write_text(source)
    assert stack.up().splitlines()[-1] == "changed: edge"
    assert (served(stack), stack.pid("edge")) == ("dev", pid)


@contextmanager
def edit_loop(stack: StackUnderTest) -> Iterator[list[str]]:
    """`local dev`, as it watches; yields the lines that it has said, which grow. Ctrl-C ends it."""
    said: list[str] = []
    with stack.start("dev") as loop:
        reader = threading.Thread(target=lambda: said.extend(loop.stderr or ()))
        reader.start()
        try:
            until(lambda: has(said, "watching apps/") or loop.poll() is not None)
            yield said
        finally:
            os.killpg(loop.pid, signal.SIGINT)
            reader.join()
    assert loop.returncode == 0, said


def has(said: list[str], part: str) -> bool:
    return any(part in line for line in said)


def test_what_is_saved_is_served_at_once(stack: StackUnderTest) -> None:
    route = stack.project / "apps/worker/src/routes/health.ts"
    page = stack.project / "apps/web/public/index.html"
    source, text = route.read_text(), page.read_text()
    with edit_loop(stack) as said:
        route.write_text(source.replace("c.env.ENVIRONMENT", '"saved"'))
        until(lambda: served(stack) == "saved")
        page.write_text(f"{text}<!-- saved -->")
        until(lambda: "<!-- saved -->" in str(request(stack.first_port, "GET", "/")[1]))
        route.write_text(source.replace("c.env", "c.env."))
        until(lambda: has(said, "bundling failed"))
        assert served(stack) == "saved"
        route.write_text(f"{source}\nthrow new Error('at its start');")
        until(lambda: has(said, "ended (exit code 1)"))
        assert has(said, "Uncaught Error: at its start")
        with lock.hold(State(stack.state)):
            route.write_text(source)
            until(lambda: has(said, "not yet"))
        until(lambda: served(stack) == "dev")
        before = len(said)
        page.write_text(text)
        until(lambda: any("index.html" in line and "served" in line for line in said[before:]))
    assert said[-1] == "the stack runs on; `./hybrid local down` stops it\n"
    assert has(said, "edge          ")
    # Comments in a bundle name the packages' folder: a copy's and that in Nx's cache, which it shares, differ.
    assert stack.up().splitlines()[-1] in ("changed: edge", "nothing to change")


def test_a_migration_that_is_saved_is_applied(stack: StackUnderTest) -> None:
    migration = stack.project / "apps/worker/migrations/0099_saved.sql"
    with edit_loop(stack) as said:
        migration.write_text("SELECT nothing_of_the_kind")
        until(lambda: has(said, "nothing_of_the_kind"))
        migration.write_text("CREATE TABLE regulated.saved ()")
        until(lambda: has(said, "0099_saved applied"))
        migration.write_text("CREATE TABLE regulated.saved (id bigint)")
        until(lambda: has(said, "0099_saved was already applied"))
    migration.unlink()
    assert stack.psql("SELECT to_regclass('regulated.saved')") == "regulated.saved"


def test_wrong_settings_are_refused_before_anything_changes(stack: StackUnderTest) -> None:
    settings = stack.project / "Pulumi.dev.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("small_3_0", "nano_3_0").replace("environment: dev", "environment: deev"))
    answer = stack.run("up")
    settings.write_text(text)
    assert answer.returncode == 1
    assert [line.split(": ")[3] for line in answer.stderr.splitlines()] == ["environment", "postgresHosts.0.bundle"]
    assert stack.run("status").returncode == 0


def test_a_stack_that_breaks_a_policy_is_not_realised(stack: StackUnderTest) -> None:
    component = stack.project / "components/host/postgres_host.py"
    source = component.read_text()
    component.write_text(source.replace("SSH_PORT = 22", "SSH_PORT = 5432"))
    answer = stack.run("up")
    component.write_text(source)
    assert answer.returncode == 1
    found = r"database-port-is-closed \[critical\] postgres-a-ports \(aws:\S+\)  components/host/postgres_host\.py:\d+$"
    assert re.search(found, answer.stderr, re.MULTILINE), answer.stderr


def test_the_last_down_leaves_no_trace(stack: StackUnderTest, tmp_path: Path) -> None:
    answer = stack.run("down", "--remove")
    assert (answer.returncode, answer.stderr) == (0, "stopped and removed\n")
    assert (stack.processes(), stack.mounts(), stack.listens()) == ([], [], [])
    assert files(stack.project) - {".state"} == files(copy_project(tmp_path))

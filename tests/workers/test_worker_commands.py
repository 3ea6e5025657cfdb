"""`./hybrid worker` against the emulated control plane: what is listed, refused, put back and set."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.control_plane.settings import Account
from plan.project import Project
from tests.commands import Result, answered, hybrid
from tests.local.control_plane.under_test import ControlPlaneUnderTest, serving, settings
from tests.web_server import served
from tests.workers.worker_under_test import WorkerUnderTest, answers_as, commit

SCRIPT = "automatonicai-dev-api"
SETTINGS = "config:\n  # Why.\n  hybrid:environment: dev\n"


class ApiWorker(WorkerUnderTest):
    """The dev stack's API in an account of its own, and a checkout whose settings may change."""

    def __init__(self, plane: ControlPlaneUnderTest, account: str, checkout: Path) -> None:
        super().__init__(plane, account, SCRIPT)
        self.checkout = checkout

    def settings(self) -> str:
        return (self.checkout / "Pulumi.dev.yaml").read_text()


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiWorker]:
    account = Project.load().configuration("dev").values["hybrid:cloudflareAccountId"]
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "Pulumi.dev.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    with serving(settings(tmp_path / "plane", account=Account(id=account, name="shop"))) as plane:
        made = ApiWorker(plane, account, tmp_path)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def rollback(*arguments: str) -> Result:
    return answered("worker", "rollback", "dev", *arguments)


def test_versions_are_listed_with_what_they_answer(api: ApiWorker) -> None:
    first, second = api.upload("one"), api.upload("two")
    api.deploy((first, 90), (second, 10))
    listed = json.loads(hybrid("worker", "versions", "dev", "--json").out)
    assert [(one["id"], one["number"], one["build"], one["percent"]) for one in listed] == [
        (second, 2, "two", 10),
        (first, 1, "one", 90),
    ]
    assert "90 %" in answered("worker", "versions", "dev").out


def test_the_version_of_before_is_put_back_and_set(api: ApiWorker) -> None:
    good, bad = api.release(commit()), api.release(commit())
    plan = rollback()
    assert (plan.code, api.answering(), api.settings()) == (0, [(bad, 100)], SETTINGS)
    assert f"would be 100 %  {good}" in plan.out
    assert "nothing was changed" in plan.err
    done = rollback("--execute")
    assert (done.code, api.answering()) == (0, [(good, 100)]), done
    assert f"  hybrid:apiEarlierVersion: {good}\n" in api.settings()
    assert "  hybrid:apiEarlierPercent: 100\n" in api.settings()
    assert "# Why." in api.settings()
    again = rollback("--to", good, "--execute")
    assert again.code == 1
    assert "refused: it answers 100 % of the requests already" in again.out
    assert rollback("--to", bad, "--execute").code == 0
    assert (api.answering(), api.settings().count("Earlier")) == ([(bad, 100)], 2)
    assert '  hybrid:apiEarlierVersion: ""\n' in api.settings()


def test_a_version_in_service_is_held_until_the_newest_one_answers_all(api: ApiWorker) -> None:
    old = api.release("one")
    held = answered("worker", "hold", "dev", "--percent", "90")
    assert (held.code, held.out.splitlines()[-1]) == (0, old)
    for line in (f"hybrid:apiEarlierVersion: {old}\n", "hybrid:apiEarlierPercent: 90\n"):
        assert line in api.settings()
    new = api.upload(commit())
    api.deploy((new, 10), (old, 90))
    refused = answered("worker", "hold", "dev")
    assert (refused.code, "2 versions answer" in refused.err) == (1, True)
    assert rollback("--to", "newest", "--execute").code == 0
    assert api.answering() == [(new, 100)]
    assert '  hybrid:apiEarlierVersion: ""\n' in api.settings()


def test_of_a_gradual_deployment_the_version_that_was_held_is_put_back(api: ApiWorker) -> None:
    api.release(commit())
    old, new = api.release(commit()), api.upload("broken")
    api.deploy((new, 10), (old, 90))
    with served(answers_as("")) as url:
        assert check(url, "--execute").code == 1
    assert api.answering() == [(old, 100)]


def test_a_share_of_the_requests_is_put_back(api: ApiWorker) -> None:
    good, bad = api.release(commit()), api.release(commit())
    assert rollback("--percent", "40", "--execute").code == 0
    assert sorted(api.answering()) == sorted([(good, 40), (bad, 60)])


def test_what_can_not_be_put_back_is_refused_with_reasons(api: ApiWorker) -> None:
    assert f"hybrid: {SCRIPT}: no version answered before this one; name one with --to" in rollback().err
    old = api.upload("unreleased")
    for _ in range(100):
        newest = api.upload(commit())
    api.deploy((newest, 100))
    unknown = rollback("--to", "0190f5a2-7b1c-4d3e-8f00-0123456789ab", "--execute")
    assert unknown.code == 1
    assert f"hybrid: {SCRIPT}: 0190f5a2-7b1c-4d3e-8f00-0123456789ab is none of its versions" in unknown.err
    refused = rollback("--to", old, "--execute")
    assert refused.code == 1
    assert "refused: 100 versions are newer, and Cloudflare can roll back to the newest 100 only" in refused.out
    assert "refused without --force: build unreleased is no commit of this checkout" in refused.out
    assert rollback("--to", old, "--execute", "--force").code == 1
    assert api.answering() == [(newest, 100)]


def test_a_token_is_asked_for_and_one_without_rights_is_named(api: ApiWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "unknown")
    assert f"hybrid: {SCRIPT}: Cloudflare: " in answered("worker", "versions", "dev").err
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    assert "hybrid: CLOUDFLARE_API_TOKEN: is not set" in answered("worker", "versions", "dev").err


def check(url: str, *arguments: str) -> Result:
    return answered("worker", "check", "dev", "--url", url, "--seconds", "0", *arguments)


def test_a_version_that_answers_well_stays(api: ApiWorker) -> None:
    api.release("one")
    good = api.release("two")
    with served(answers_as("two")) as url:
        done = check(url, "--execute")
    assert (done.code, api.answering()) == (0, [(good, 100)]), done
    assert "version 2, build two, is healthy" in done.err


@pytest.mark.parametrize(("build", "fault"), [("", "answers 500"), ("one", "is of build one, and version 2 of two")])
def test_a_broken_version_is_taken_back(build: str, fault: str, api: ApiWorker) -> None:
    good, bad = api.release("one"), api.release("two")
    with served(answers_as(build)) as url:
        told = check(url)
        assert (told.code, api.answering()) == (1, [(bad, 100)])
        done = check(url, "--execute")
    assert (done.code, api.answering()) == (1, [(good, 100)]), done
    assert f"{url}/healthcheck: {fault}" in told.err
    assert f"  hybrid:apiEarlierVersion: {good}\n" in api.settings()


def test_a_worker_that_is_not_there_is_named(api: ApiWorker) -> None:
    answer = answered("worker", "versions", "dev", "--worker", "web")
    assert answer.code == 1
    assert answer.err.startswith("hybrid: automatonicai-dev-web: Cloudflare: ")

"""What commands share: a stack that is refused, and the secrets among its settings."""

from pathlib import Path

import pytest

from plan import record
from plan.model import Plan, PlanError
from plan.project import Project
from scripts.options import recorded

TOKEN = f"v1.0-{'0a1b2c3d' * 3}-{'0a1b2c3d4e' * 15}"
SETTINGS = f"""config:
  hybrid:owner: {"AKIA" + "IOSFODNN7EXAMPLE"}
  hybrid:product: a
  hybrid:alarmEmail: postgres://app:hunter2secret@db.example.com/x
  hybrid:cloudflareApiToken: {TOKEN}
  cloudflare:apiToken: {{secure: v1:abc}}
"""
SAID = "it has been seen: renew it, and remove it"


def refuse(*_: object) -> list[Plan]:
    raise PlanError("dev: cloudflareApiToken: is not a setting")


def test_of_a_refused_stack_each_setting_with_a_secret_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: hybrid\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(SETTINGS)
    project = Project.load(tmp_path)
    monkeypatch.setattr(record, "record_all", refuse)
    monkeypatch.setattr(Project, "load", lambda: project)
    with pytest.raises(PlanError) as caught:
        recorded("dev")
    assert set(str(caught.value).splitlines()) == {
        "dev: cloudflareApiToken: is not a setting",
        f"dev: Pulumi.dev.yaml:2: hybrid:owner: holds an AWS access key, in the clear; {SAID}",
        f"dev: Pulumi.dev.yaml:4: hybrid:alarmEmail: holds a connection string with a password, in the clear; {SAID}",
        f"dev: Pulumi.dev.yaml:5: hybrid:cloudflareApiToken: holds a Cloudflare origin key, in the clear; {SAID}",
    }

"""The code of a Worker, as a plan names it."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.edge.bundles import BundleError, digest
from plan.diff import Kind, diff
from plan.model import Plan
from plan.project import ROOT
from tests.policies.changes import custom, having, on

VERSION = "cloudflare:index/workerVersion:WorkerVersion"


@pytest.fixture
def site(tmp_path: Path) -> tuple[str, str]:
    module, assets = tmp_path / "index.js", tmp_path / "assets"
    assets.mkdir()
    module.write_text("code")
    (assets / "page.html").write_text("page")
    return str(module), str(assets)


def test_other_code_and_other_files_have_another_digest(site: tuple[str, str]) -> None:
    module, assets = site
    seen = [digest(*site), digest(module)]
    Path(module).write_text("other code")
    seen.append(digest(*site))
    (Path(assets) / "page.html").write_text("other page")
    seen.append(digest(*site))
    (Path(assets) / "page.html").rename(Path(assets) / "side.html")
    seen.append(digest(*site))
    assert len({*seen}) == len(seen)
    assert digest(*site) == seen[-1]


def test_a_missing_bundle_is_refused(site: tuple[str, str]) -> None:
    module, assets = site
    (Path(assets) / "page.html").unlink()
    with pytest.raises(BundleError, match="assets: is missing; make them with: make apps/made"):
        digest(*site)
    with pytest.raises(BundleError, match=r"other\.js: is missing"):
        digest(f"{Path(module).parent}/other.js")


def test_a_plan_names_the_code_that_is_built(dev_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    named = {found.name: found.inputs["annotations"]["workersMessage"] for found in dev_plan.of_type(VERSION)}
    assert named == {
        "api-version": f"sha256:{digest('apps/worker/dist/index.js')}",
        "web-version": f"sha256:{digest('apps/web/dist/worker/index.js', 'apps/web/dist/assets')}",
    }


def test_changed_code_is_seen_in_a_diff(dev_plan: Plan) -> None:
    annotations = custom(dev_plan, "api-version").inputs["annotations"]
    after = on("api-version", having(annotations={**annotations, "workersMessage": "sha256:0"}))(dev_plan)
    changes = {change.resource.name: change.kind for change in diff(dev_plan, replace(after))}
    assert changes["api-version"] is Kind.REPLACED

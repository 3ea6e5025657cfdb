"""The Pages project, read back from the recorded plan."""

from plan.model import Plan
from tests.components.declared import named


def test_no_default_of_cloudflares_decides_and_none_is_compared_later(dev_plan: Plan) -> None:
    project = named(dev_plan, "pages-project")
    build, configs = project.inputs["buildConfig"], project.inputs["deploymentConfigs"]
    assert build == {"buildCaching": False, "buildCommand": "", "destinationDir": "", "rootDir": ""}
    assert configs["preview"] == configs["production"]
    assert (configs["production"]["failOpen"], configs["production"]["compatibilityFlags"]) == (False, [])
    assert project.options.ignore_changes == ("buildConfig", "deploymentConfigs")

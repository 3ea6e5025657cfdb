"""The Pages project, read back from the recorded plan."""

from plan.model import Plan
from tests.components.declared import named


def test_what_a_direct_upload_does_not_declare_is_not_compared(dev_plan: Plan) -> None:
    project = named(dev_plan, "pages-project")
    assert project.inputs.keys() == {"accountId", "name", "productionBranch"}
    assert project.options.ignore_changes == ("buildConfig", "deploymentConfigs")

"""The providers' libraries are imported in parts; what the program gets is the same as from the whole."""

import json
import subprocess
import sys

from plan.project import ROOT

# Asked in one order: the parts first, then the whole, which reuses them.
PROGRAM = """
import json, sys
from plan import child_process
child_process.import_quickly()
import pulumi_aws as aws
names = ["Parameter", "ParameterArgs", "AssociationTargetArgs", "AssociationTargetArgsDict"]
parts = {name: getattr(aws.ssm, name) for name in names}
in_parts = "__getattr__" in vars(aws.ssm)
outputs = aws.ssm.outputs.AssociationTarget.__name__
has_unknown = hasattr(aws.ssm, "NoSuchResource")
whole = {name: vars(aws.ssm)[name] for name in names}
print(json.dumps({
    "are parts": in_parts,
    "differ": [name for name in names if parts[name] is not whole[name]],
    "outputs": outputs,
    "has unknown": has_unknown,
    "function": aws.ssm.get_parameter.__name__,
}))
"""


def test_parts_are_those_of_the_whole() -> None:
    command = [sys.executable, "-P", "-c", PROGRAM]
    said = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, check=True, capture_output=True, text=True).stdout
    assert json.loads(said) == {
        "are parts": True,
        "differ": [],
        "outputs": "AssociationTarget",
        "has unknown": False,
        "function": "get_parameter",
    }

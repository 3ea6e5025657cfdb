"""What a document of Systems Manager is made of that runs one script on the hosts."""

from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")


def command_document(
    *, description: str, parameters: dict[str, tuple[str, str]], step: str, timeout_seconds: int
) -> dict[str, object]:
    """A document of schema 2.2 that runs `templates/STEP.sh`, into which Systems Manager puts the parameters' values.

    `parameters`: description and pattern by name. The script puts a value between quotes, so a pattern must let
    through nothing that ends them.
    """
    return {
        "schemaVersion": "2.2",
        "description": description,
        "parameters": {
            key: {"type": "String", "description": told, "allowedPattern": pattern}
            for key, (told, pattern) in parameters.items()
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": step,
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": {
                    "timeoutSeconds": str(timeout_seconds),
                    "runCommand": (TEMPLATES / f"{step}.sh").read_text().splitlines(),
                },
            }
        ],
    }

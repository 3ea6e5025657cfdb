"""Pulumi's own engine with a project, a state and provider plugins that a test may do anything to."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from plan.project import ROOT
from tests.commands import ran
from tests.engine import pass_through_provider

PROVIDERS = ("aws", "cloudflare", "random", "tls")
STACKS = ("dev", "prod")
PASSPHRASE = "only for trying out"
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class TrialEngine:
    """Everything is in `folder`, so that a copy of it is a second engine with the same stacks in the same state."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "TrialEngine":
        """The project as it is, with its stacks and nothing deployed."""
        engine = cls(folder)
        for part in ("bin", "home", "state"):
            (folder / part).mkdir(parents=True)
        engine.journal.touch()
        for name in PROVIDERS:
            _write_plugin(folder / "bin" / f"pulumi-resource-{name}", version(f"pulumi-{name}"))
        _copy_project(engine.project)
        for stack in STACKS:
            engine.run("stack", "init", stack)
        return engine

    def copy(self, folder: Path) -> "TrialEngine":
        shutil.copytree(self.folder, folder, symlinks=True)
        return TrialEngine(folder)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def acts(self, stack: str) -> list[tuple[str, str]]:
        """What the providers did so far: act and name of the resource."""
        return [(entry["act"], entry["urn"].rpartition("::")[2]) for entry in self._entries(stack)]

    def secrets(self, stack: str) -> list[str]:
        """All that the providers generated and nobody may see."""
        return [secret for entry in self._entries(stack) for secret in entry["secrets"]]

    def run(self, *arguments: str, is_refused: bool = False) -> str:
        """Runs `pulumi` and returns what it prints on stdout; where it must fail, on stderr too."""
        finished = ran(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.project,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
        )
        output = finished.stdout + finished.stderr
        with self.log.open("a") as log:
            log.write(output)
        if (finished.returncode != 0) != is_refused:
            pytest.fail(f"pulumi {shlex.join(arguments)} ended with {finished.returncode}:\n{output}")
        return output if is_refused else finished.stdout

    def up(self, stack: str, *arguments: str) -> str:
        return self.run("up", "--yes", "--skip-preview", f"--stack={stack}", *arguments)

    def destroy(self, stack: str) -> None:
        """Protection first, as an operator has to."""
        self.run("state", "unprotect", "--all", "--yes", f"--stack={stack}")
        self.run("destroy", "--yes", "--skip-preview", f"--stack={stack}")

    def preview(self, stack: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run("preview", "--json", f"--stack={stack}"))
        return document

    def export(self, stack: str, *arguments: str) -> dict[str, Any]:
        """The resources in the state, by URN."""
        document = json.loads(self.run("stack", "export", f"--stack={stack}", *arguments))
        resources = document["deployment"].get("resources", [])
        return {resource["urn"]: resource for resource in resources}

    def set(self, stack: str, **settings: Any) -> None:
        """Writes settings into the stack's file; None takes one out."""
        path = self.project / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(path.read_text())
        own = {key if ":" in key else f"hybrid:{key}": value for key, value in settings.items()}
        given = {**document["config"], **own}
        document["config"] = {key: value for key, value in given.items() if value is not None}
        path.write_text(yaml.safe_dump(document))

    def changed_outside(self, name: str, **properties: Any) -> None:
        """Changes a resource past Pulumi, as a person would; None takes a property away. The next refresh sees it."""
        file = pass_through_provider.outside(self.journal)
        before = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**before, name: properties}))

    def _entries(self, stack: str) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [entry for entry in entries if entry["urn"].startswith(f"urn:pulumi:{stack}::")]

    def _environment(self) -> dict[str, str]:
        foreign = ("AWS_", "CLOUDFLARE_", "PULUMI_")
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(foreign)},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PASS_THROUGH_JOURNAL": str(self.journal),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            # Both would look for something on the network.
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


def _write_plugin(path: Path, provider_version: str) -> None:
    command = shlex.join([sys.executable, pass_through_provider.__file__, provider_version])
    path.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$PASS_THROUGH_JOURNAL" "$@"\n')
    path.chmod(0o755)


def _copy_project(folder: Path) -> None:
    folder.mkdir()
    for path in [ROOT / "__main__.py", *ROOT.glob("Pulumi*.yaml")]:
        shutil.copy(path, folder)
    for package in ("components", "durable", "host", "plan", "policies"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    # The environment that Pulumi.yaml names: the one that runs the tests.
    (folder / ".venv").symlink_to(sys.prefix)

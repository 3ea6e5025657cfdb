"""A value that is refused is never said, whichever secret stands in whichever setting."""

import json
import random

import pytest

from components.settings import namespaces
from components.settings.host import HostSettings
from components.settings.stack import Settings, SettingsError, parse
from plan.project import Project
from tests.policies.scan.samples import secrets, text

SOURCE = random.Random(17)
SECRETS = {**secrets(SOURCE), "a generated password": text(SOURCE, 10) + "'/<x" + text(SOURCE, 10)}
NAMES = [str(field.alias) for field in Settings.model_fields.values()]
PREFIX = "hybrid:"


@pytest.fixture(scope="module")
def good() -> dict[str, str]:
    values = Project.load().configuration("dev").values
    return {key.removeprefix(PREFIX): value for key, value in values.items() if key.startswith(PREFIX)}


def said(values: dict[str, str]) -> str:
    try:
        parse("dev", values)
    except SettingsError as error:
        return str(error)
    return ""


def test_no_setting_says_it(good: dict[str, str]) -> None:
    # All at once: reading the file for each fault's line takes a while.
    told = [
        kind
        for kind, secret in SECRETS.items()
        for value in (secret, json.dumps([secret]))
        if secret in said({**good, **dict.fromkeys(NAMES, value)})
    ]
    assert told == []


def test_no_host_says_it(good: dict[str, str]) -> None:
    keys = [str(field.alias) for field in HostSettings.model_fields.values()]
    hosts = {kind: {**dict.fromkeys(keys, secret), secret: 1} for kind, secret in SECRETS.items()}
    told = [
        kind
        for kind, host in hosts.items()
        if SECRETS[kind] in said({**good, "postgresHosts": json.dumps([host]), "postgresServing": "a"})
    ]
    assert told == []


def test_no_name_of_a_setting_says_it(good: dict[str, str]) -> None:
    told = [kind for kind, secret in SECRETS.items() if secret in said({**good, secret: "x"})]
    told += [
        kind for kind, secret in SECRETS.items() if secret in "".join(namespaces.faults({f"x:{secret}": "1"}, NAMES))
    ]
    assert told == []


def test_a_slip_in_a_name_is_shown(good: dict[str, str]) -> None:
    assert "siteHostnam: is not a setting; did you mean siteHostname?" in said({**good, "siteHostnam": "x"})
    assert "wholeUnknown: is not a setting" in said({**good, "wholeUnknown": "x"})

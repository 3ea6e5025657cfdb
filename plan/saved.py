"""Plans from files, whoever wrote them: this program, or Pulumi's engine as a preview or a state."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

from plan import codec, json_text, wire
from plan.model import PROVIDERS, STACK_TYPE, Computed, Options, Plan, PlanError, Resource, Secret, Source

# One for each kind of value (pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go).
_UNKNOWN = frozenset(
    {
        wire.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# The engine adds them to a provider's inputs; no program gives them.
_ADDED_TO_PROVIDERS = frozenset({"version", "__internal"})
PREVIEW_COMMAND = "`pulumi preview --json --show-sames --stack STACK`"
PREVIEW = f"what {PREVIEW_COMMAND} wrote"
# Of a replacement the step that makes the new resource is the one that counts.
_ENDING = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"}
)
_REPLACING = frozenset({"replace", "create-replacement", "import-replacement", "read-replacement"})
STATE = "what `pulumi stack export --stack STACK` wrote, or a stack's file in the state's bucket"
STATE_VERSIONS = (3, 4)


class _DecryptedError(Exception):
    """A value that somebody decrypted into the file."""


def read(path: Path) -> Plan:
    """Reads a file that any of them wrote. Raises PlanError."""
    _, document = json_text.read(path, f"{codec.SAVED}, {PREVIEW}, or {STATE}")
    keys = set(document) if isinstance(document, dict) else set()
    if {"deployment", "checkpoint"} & keys:
        return read_state(path)
    if "steps" in keys:
        return read_preview(path)
    return codec.read(path)


def read_preview(path: Path) -> Plan:
    """The stack as it would be. Raises PlanError, also for a preview that failed or does not show everything."""
    document = _preview(path)
    with _reading(path):
        _require_all(path, document)
        states = {
            step["urn"]: step["newState"]
            for step in document["steps"]
            if step["op"] not in _ENDING and step.get("newState")
        }
        return _plan(str(path), states, document.get("config") or {}, is_deployed=False)


def read_previous(path: Path) -> Plan | None:
    """The stack as it was before; None where there was none. Raises PlanError."""
    document = _preview(path)
    states: dict[str, Mapping[str, Any]] = {}
    with _reading(path):
        for step in document["steps"]:
            old = step.get("oldState") or {}
            # The engine marks as to be deleted what it will replace, and what an earlier run left over.
            if old and (step["op"] in _REPLACING or not old.get("delete")):
                states.setdefault(step["urn"], old)
        # A stack that was never up has no more than itself.
        if all(state["type"] == STACK_TYPE for state in states.values()):
            return None
        return _plan(str(path), states, {}, is_deployed=True)


def _preview(path: Path) -> dict[str, Any]:
    from plan import shape

    text, document = _document(
        path,
        lambda found: isinstance(found.get("steps"), list) and isinstance(found.get("changeSummary"), dict),
        PREVIEW,
    )
    shape.require(path, text, document, shape.Preview)
    if any(found.get("severity") == "error" for found in document.get("diagnostics") or ()):
        raise PlanError(f"{path}: is a preview that failed, so it does not show everything; mend the program first")
    return document


def _require_all(path: Path, document: Mapping[str, Any]) -> None:
    """Refuses a preview without --show-sames: what stays as it is would go unjudged and unnoticed."""
    counted = document["changeSummary"].get("same", 0)
    shown = sum(step["op"] == "same" for step in document["steps"])
    if shown < counted:
        raise PlanError(
            f"{path}: shows {shown} of the {counted} resources that stay as they are; make it with {PREVIEW_COMMAND}"
        )


def read_state(path: Path) -> Plan:
    """All that the state knows, default providers too. Settings are not in it. Raises PlanError."""
    from plan import shape

    text, document = _document(path, lambda found: _deployment(found) is not None, STATE)
    if document.get("version") not in STATE_VERSIONS:
        raise PlanError(f"{path}: is a state of another version; allowed: {', '.join(map(str, STATE_VERSIONS))}")
    shape.require(path, text, document, shape.State if "deployment" in document else shape.Checkpoint)
    states: dict[str, Mapping[str, Any]] = {}
    with _reading(path):
        for state, why in _states(_deployment(document) or {}):
            urn, number = state["urn"], 1
            while urn in states:
                # What has the name already is the one that lives.
                urn, number = f"{state['urn']} ({why}{f' {number}' if number > 1 else ''})", number + 1
            states[urn] = state
        return _plan(str(path), states, {}, is_deployed=True)


def _deployment(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is deployed, by an export or by the file that the engine keeps."""
    kept = document.get("checkpoint")
    found = document.get("deployment", kept.get("latest") if isinstance(kept, dict) else None)
    return found if isinstance(found, dict) else None


def _states(deployment: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The living first, then what may still be there, and why."""
    resources = deployment.get("resources") or []
    yield from ((state, "again") for state in resources if not state.get("delete"))
    yield from ((state, "to be deleted") for state in resources if state.get("delete"))
    yield from ((operation["resource"], "under way") for operation in deployment.get("pending_operations") or ())


def _document(path: Path, is_it: Callable[[Mapping[str, Any]], bool], allowed: str) -> tuple[str, dict[str, Any]]:
    """A file and the JSON object in it. Raises PlanError where it can't be read or is something else than `allowed`."""
    text, found = json_text.read(path, allowed)
    if not isinstance(found, dict) or not is_it(found):
        raise PlanError(f"{path}: is something else; allowed: {allowed}")
    return text, found


@contextlib.contextmanager
def _reading(name: object) -> Iterator[None]:
    """Says PlanError, of the file `name`, to whatever a damaged or decrypted one raises."""
    try:
        yield
    except _DecryptedError:
        raise PlanError(
            f"{name}: holds decrypted secrets; make it again without --show-secrets, and delete this one"
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        # Not the error's own words: they may quote a value.
        raise PlanError(f"{name}: is damaged ({type(error).__name__}); make it again") from None


def _plan(
    name: str, states: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any], *, is_deployed: bool
) -> Plan:
    """The plan of these resources, the stack's own among them. Raises PlanError that calls the file `name`.

    Each by its URN, or by a longer one where another has that: see Resource.is_left_over.
    """
    stack_urn = next((urn for urn in states if urn.split("::")[2:3] == [STACK_TYPE]), None)
    if stack_urn is None:
        raise PlanError(f"{name}: holds no stack; allowed: what the engine wrote of one that is, or will be, deployed")
    from plan import shape

    prefix, project = stack_urn.split("::")[:2]
    plan = Plan(
        project=project,
        stack=prefix.removeprefix("urn:pulumi:"),
        resources=tuple(
            _resource(states[urn], urn, is_deployed=is_deployed) for urn in sorted(states) if urn != stack_urn
        ),
        outputs=_values(states[stack_urn].get("outputs") or {}),
        settings={key: _value(item) for key, item in sorted(settings.items())},
    )
    shape.require_sound(name, plan)
    return plan


def _resource(state: Mapping[str, Any], urn: str, *, is_deployed: bool) -> Resource:
    """One resource. What the engine does not write down, `delete_before_replace`, is taken as given: see _options."""
    type_token, custom = state["type"], state["custom"]
    given = state.get("inputs") or {}
    is_provider = type_token.startswith(PROVIDERS)
    inputs = _values({key: item for key, item in given.items() if not (is_provider and key in _ADDED_TO_PROVIDERS)})
    outputs = _values(state.get("outputs") or {})
    if not custom and not is_deployed:
        # A preview is written before a component registers its outputs; ours are inputs as well.
        outputs = outputs or inputs
    return Resource(
        urn=urn,
        type=type_token,
        name=urn.split("::", 3)[3],
        custom=custom,
        parent=_parent(state.get("parent")),
        provider=_provider(state.get("provider")),
        inputs=inputs,
        outputs=outputs if is_deployed or not custom else {},
        dependencies=tuple(sorted(state.get("dependencies") or ())),
        property_dependencies={
            key: tuple(sorted(urns or ())) for key, urns in sorted((state.get("propertyDependencies") or {}).items())
        },
        options=_options(state),
        source=_source(state),
        identifier=str(state.get("id") or "") if is_deployed else "",
        is_left_over=urn != state["urn"],
    )


def _value(found: Any) -> Any:
    """One value with its marks. A secret's own value is never known. Raises _DecryptedError."""
    match found:
        case dict() if wire.is_special(found):
            return _special(found)
        case dict():
            return _values(found)
        case list():
            return [_value(item) for item in found]
        case str() if found == codec.MASK:
            return Secret(Computed())
        case str() if found in _UNKNOWN:
            return Computed()
        case float() if found.is_integer():
            return int(found)
        case _:
            return found


def _values(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(item) for key, item in sorted(properties.items())}


def _special(found: dict[str, Any]) -> Any:
    if wire.is_secret(found):
        if "plaintext" in found:
            raise _DecryptedError
        return Secret(Computed())
    # An asset's hash is the engine's own.
    return wire.from_wire({key: _value(item) for key, item in found.items() if key != "hash"})


def _parent(urn: str | None) -> str | None:
    return None if not urn or urn.split("::")[2] == STACK_TYPE else urn


def _provider(reference: str | None) -> str | None:
    """The URN without the provider's ID; None for a default provider, as in a recorded plan."""
    urn = (reference or "").rpartition("::")[0]
    return None if not urn or urn.split("::", 3)[3].startswith("default") else urn


def _options(state: Mapping[str, Any]) -> Options:
    return Options(
        protect=state.get("protect") or False,
        retain_on_delete=state.get("retainOnDelete") or False,
        # The engine asks the program for it and never writes it down; the packs judge it on the engine, and the gate
        # on the recorded plan.
        delete_before_replace=True,
        ignore_changes=tuple(state.get("ignoreChanges") or ()),
        replace_on_changes=tuple(state.get("replaceOnChanges") or ()),
        additional_secret_outputs=tuple(state.get("additionalSecretOutputs") or ()),
        aliases=tuple(state.get("aliases") or ()),
    )


def _source(state: Mapping[str, Any]) -> Source | None:
    """Where the program declares it: the first position that is neither a library's nor outside the project."""
    positions = [state.get("sourcePosition"), *(frame.get("sourcePosition") for frame in state.get("stackTrace") or ())]
    for position in positions:
        parts = urlparse(position or "")
        path = PurePosixPath(unquote(parts.path).lstrip("/"))
        if parts.scheme == "project" and parts.fragment.isdigit() and not {"..", "site-packages"} & {*path.parts}:
            return Source(path=str(path), line=int(parts.fragment))
    return None

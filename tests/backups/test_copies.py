"""What became of the copies, as S3 tells it."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from backups import copies
from host.recovery.contract import Backup
from tests.backups.answering import NOW, backup

ONE = Backup.model_validate(backup(NOW - timedelta(hours=1)))


class Store:
    """Answers a HEAD as it is told to; an error is raised."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.given, self._answer = {}, answer

    given: dict[str, str]

    def head_object(self, **given: str) -> dict[str, Any]:
        self.given = given
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"ReplicationStatus": "COMPLETED"}, "copied"),
        ({"ReplicationStatus": "PENDING"}, "on its way"),
        ({"ReplicationStatus": "FAILED"}, "failed"),
        ({"ReplicationStatus": "REPLICA"}, "is the copy"),
        ({"ReplicationStatus": "NEW"}, "unknown: NEW"),
        ({}, "not copied"),
        (refusal("404"), "no longer there"),
        (refusal("403"), "unknown: not allowed to ask"),
        (refusal("SlowDown"), "unknown: SlowDown"),
        (NoCredentialsError(), "unknown: no AWS credentials"),
        (
            EndpointConnectionError(endpoint_url="https://a"),
            'unknown: Could not connect to the endpoint URL: "https://a"',
        ),
    ],
)
def test_a_copy_has_a_state_and_never_fails_a_list(answer: dict[str, Any] | Exception, state: str) -> None:
    store = Store(answer)
    assert copies.states(lambda: store, "a-bucket", [ONE]) == {ONE.label: state}
    assert store.given == {"Bucket": "a-bucket", "Key": ONE.manifest_key}


def test_a_client_that_can_not_be_made_is_a_reason() -> None:
    def client() -> Any:
        raise OSError("no certificate")

    assert copies.states(client, "a-bucket", [ONE]) == {ONE.label: "unknown: no certificate"}


def test_without_backups_nothing_is_asked() -> None:
    assert copies.states(lambda: pytest.fail("asked"), "a-bucket", []) == {}

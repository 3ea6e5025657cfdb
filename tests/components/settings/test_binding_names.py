"""Under which names a Worker finds its buckets."""

import pytest

from components.settings.binding_names import binding_name


@pytest.mark.parametrize(("key", "name"), [("media", "MEDIA"), ("user-uploads", "USER_UPLOADS"), ("a1", "A1")])
def test_a_bucket_is_bound_under_its_key_in_capitals(key: str, name: str) -> None:
    assert binding_name(key) == name

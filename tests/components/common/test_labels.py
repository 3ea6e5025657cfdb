"""Labels in the forms that platforms take."""

from components.common.labels import DataClass, Environment, Labels

LABELS = Labels(product="shop", stack="dev-alice", environment=Environment.DEV, owner="team@example.org")


def test_the_prefix_keeps_stacks_apart() -> None:
    assert LABELS.prefix == "shop-dev-alice"


def test_tags_say_environment_class_and_owner() -> None:
    assert LABELS.tags(DataClass.PUBLIC) == {
        "product": "shop",
        "environment": "dev",
        "data-class": "public",
        "owner": "team@example.org",
    }


def test_words_say_the_same() -> None:
    assert "data-class:none" in LABELS.tag_list(DataClass.NONE)

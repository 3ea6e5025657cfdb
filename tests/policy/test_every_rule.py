"""The pack of every rule has those of the three packs, and no others."""

from policies import analyzer, packs


def test_it_has_the_rules_of_all_packs() -> None:
    rules = []
    for folder in packs.folders():
        with analyzer.running(folder) as pack:
            rules += [policy.name for policy in pack.info.policies]
    with analyzer.running(packs.folders()[0].parent) as pack:
        assert sorted(policy.name for policy in pack.info.policies) == sorted(set(rules))
    assert len(rules) > 80

"""Stacks that must be refused: each was compliant, and is bad in one way that a rule could overlook."""

from tests.policy.adversaries_edge import EDGE
from tests.policy.adversaries_exposure import EXPOSURE
from tests.policy.adversaries_laundered import LAUNDERED
from tests.policy.adversaries_residency import RESIDENCY
from tests.policy.adversaries_safety import SAFETY
from tests.policy.adversaries_secrets import SECRETS
from tests.policy.attack import Adversary

CORPORA: dict[str, dict[str, Adversary]] = {
    "residency": RESIDENCY,
    "edge": EDGE,
    "secrets": SECRETS,
    "laundered": LAUNDERED,
    "exposure": EXPOSURE,
    "safety": SAFETY,
}
ADVERSARIES: dict[str, Adversary] = {name: found for corpus in CORPORA.values() for name, found in corpus.items()}

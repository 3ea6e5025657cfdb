"""Stacks that must be refused: each was compliant, and is bad in one way that a rule could overlook."""

from tests.policies.changes import Adversary
from tests.policies.residency.adversaries import RESIDENCY
from tests.policies.residency.edge_adversaries import EDGE
from tests.policies.safety.adversaries import EXPOSURE, SAFETY
from tests.policies.secrets.adversaries import LAUNDERED, SECRETS

CORPORA: dict[str, dict[str, Adversary]] = {
    "residency": RESIDENCY,
    "edge": EDGE,
    "secrets": SECRETS,
    "laundered": LAUNDERED,
    "exposure": EXPOSURE,
    "safety": SAFETY,
}
ADVERSARIES: dict[str, Adversary] = {name: found for corpus in CORPORA.values() for name, found in corpus.items()}

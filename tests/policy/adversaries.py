"""Stacks that must be refused: each was compliant, and is bad in one way that a rule could overlook."""

from tests.policy.adversaries_edge import EDGE
from tests.policy.adversaries_exposure import EXPOSURE
from tests.policy.adversaries_laundered import LAUNDERED
from tests.policy.adversaries_residency import RESIDENCY
from tests.policy.adversaries_safety import SAFETY
from tests.policy.adversaries_secrets import SECRETS
from tests.policy.attack import Adversary

ADVERSARIES: dict[str, Adversary] = {**RESIDENCY, **EDGE, **SECRETS, **LAUNDERED, **EXPOSURE, **SAFETY}

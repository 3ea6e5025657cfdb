"""Runs the policy packs and asks them about plans, as Pulumi's engine does."""

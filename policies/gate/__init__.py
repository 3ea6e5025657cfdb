"""The gate: every pack and its own rules against plans, with the exemptions weighed."""

"""The policy packs, one folder each, and the gate that runs them without Pulumi's engine."""

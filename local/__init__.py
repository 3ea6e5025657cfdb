"""Realises a recorded plan with real parts on one machine."""

"""Buckets, and the keys that they are encrypted with."""

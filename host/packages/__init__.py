"""Packages of the host: which, where they come from, installed, and upgraded in order."""

"""Figures, measured on whatever machine this is; never part of a test."""

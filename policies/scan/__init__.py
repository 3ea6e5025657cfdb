"""Finds secrets: in a text, and in the files and the history of a repository."""

"""The declared stack as data: recording it, reading it, and what is computed from it."""

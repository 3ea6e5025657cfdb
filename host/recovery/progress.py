"""What the engine says while it works, on stderr."""

import sys


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)

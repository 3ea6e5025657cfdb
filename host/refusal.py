"""What the playbook refuses to do, said in words that an operator can act on."""


class RefusedError(Exception):
    """`operation` would harm, or can't be done as things are; the message says why and what would help."""

    def __init__(self, operation: str, words: str) -> None:
        super().__init__(words)
        self.operation = operation

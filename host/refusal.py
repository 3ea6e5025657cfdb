"""What the playbook refuses to do, said in words that an operator can act on."""


class RefusedError(Exception):
    """`operation` would harm, or can't be done as things are; the message says why and what would help."""

    def __init__(self, operation: str, words: str, *, may_go_on: bool = False) -> None:
        super().__init__(words)
        self.operation = operation
        self.may_go_on = may_go_on
        """The later stages make sense all the same."""

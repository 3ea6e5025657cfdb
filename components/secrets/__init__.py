"""Which properties are made for secrets, and that the program gives them nothing in the clear."""

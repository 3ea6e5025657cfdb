"""Parts, and the supervisor that runs them."""

"""Rolling back to the stand-by and restoring: works with the file of ids, the token and the network alone."""

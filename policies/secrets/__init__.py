"""No secret stands in the clear."""

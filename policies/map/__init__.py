"""Where data is: the residency map of a plan."""

"""What a rollback is tried on: the control plane's part, DNS, the route into the edge and the stand-by."""

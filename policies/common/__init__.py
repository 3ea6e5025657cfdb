"""What several rooms need: the gate's error."""

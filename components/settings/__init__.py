"""What the stack files say."""

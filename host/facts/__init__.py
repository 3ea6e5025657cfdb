"""What is read from the host before anything is changed."""

"""What `./hybrid local` does with all of them."""

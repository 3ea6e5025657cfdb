"""What every room uses: terms, ids, token, the lock of this machine, times and files."""

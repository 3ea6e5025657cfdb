"""What every room uses: ids, token, the lock of this machine, times and files."""

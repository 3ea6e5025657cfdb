"""What every room uses: sides, ids, the lock, times and files."""

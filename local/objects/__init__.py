"""The S3 store's part, and its buckets."""

"""The part of Cloudflare's API v4 that this project needs, on loopback: stored on disk, with faults on demand."""

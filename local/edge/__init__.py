"""Cloudflare's edge: workerd, by Miniflare."""

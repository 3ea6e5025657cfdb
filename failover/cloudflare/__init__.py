"""What is asked of Cloudflare's API, and how."""

"""What runs at Cloudflare, and the way to the stand-by."""

"""What runs at Cloudflare, and the failover to the stand-by."""

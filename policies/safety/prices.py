"""Prices by the month of what is computed from properties, in US dollars, and the most that a stack may cost.

What costs the same whatever its properties are has its price in its row of components/resource_types/.
List prices of us-east-1 as published; Montreal's may differ a little (`aws lightsail get-bundles --region
ca-central-1` has them). What is paid by use, as requests, traffic, stored objects and snapshots, is left out.
"""

SOURCE = "AWS and Cloudflare price pages, Lightsail's plan table of 2026-09-17"
HOURS_A_MONTH = 730

CEILINGS_USD: dict[str, float] = {"prod": 100.0, "dev": 60.0}
"""By environment. The budget is $100 a month; a stack that needs more for a while, as with two hosts while one takes
over from the other, has an exemption with an end."""

# AWS, Lightsail pricing: Linux with a public IPv4 address.
BUNDLES_USD: dict[str, float] = {
    "nano_3_0": 5.0,
    "micro_3_0": 7.0,
    "small_3_0": 12.0,
    "medium_3_0": 24.0,
    "large_3_0": 44.0,
    "xlarge_3_0": 84.0,
    "2xlarge_3_0": 164.0,
    "4xlarge_3_0": 384.0,
}
# AWS, Lightsail pricing, block storage.
DISK_GB_USD = 0.10
# AWS, Lightsail pricing: an address costs while it is attached to nothing.
LOOSE_ADDRESS_USD = 0.005 * HOURS_A_MONTH
# AWS, Systems Manager pricing, advanced on-premises instance management: an hour of each machine.
ADVANCED_NODE_USD = 0.00695 * HOURS_A_MONTH
# Cloudflare, Workers pricing: the paid plan, once an account. Hyperdrive is in the free plan, too, with 10
# configurations and about 20 connections each; that plan ends at 100,000 requests a day, so the paid one is counted.
WORKERS_PLAN_USD = 5.0
# Cloudflare, plans: Pro, billed by the month, once a zone. The free plan has no standalone health checks (Cloudflare,
# Health Checks). Not seen on a bill.
PRO_PLAN_USD = 25.0
# AWS, Systems Manager pricing, advanced parameters: each, by the month. Not looked up for Montreal.
ADVANCED_PARAMETER_USD = 0.05

"""The scheduler: decides which worker, and when; leases and capacity."""

"""A small shop: each order is charged, then packed, by jobs of buoy. Start with jobs.py."""

"""A small shop: jobs charge each order, then pack it. Start with jobs.py."""

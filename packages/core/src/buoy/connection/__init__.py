"""Bytes to Redis and back: to one server, a cluster, or what sentinels name."""

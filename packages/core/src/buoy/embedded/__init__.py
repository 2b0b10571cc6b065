"""A private Redis server: for embedded://DIR, for the demo and for tests."""

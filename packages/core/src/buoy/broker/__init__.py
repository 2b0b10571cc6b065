"""Every change of a job in Redis, each one atomic script."""

"""The values that buoy works with: a job's payload, reservation, outcome and the like. No Redis."""

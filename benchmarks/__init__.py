"""Measures buoy, other job systems, and the limits of this machine."""

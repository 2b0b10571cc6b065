"""Delayed and recurring jobs for buoy."""

"""The daemon: fires entries at their ticks."""

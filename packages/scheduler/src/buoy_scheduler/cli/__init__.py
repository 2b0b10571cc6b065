"""The commands: ``buoy scheduler``, ``buoy schedule``, ``buoy delayed``."""

"""The command ``manage.py buoy``."""

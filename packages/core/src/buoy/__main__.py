"""``python -m buoy``."""

from .cli import main

main()

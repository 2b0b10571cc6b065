"""The steps of a job on its page of the dashboard. Only buoy-web imports this file."""

from buoy_web import Card

PARTS = [Card("steps", "Steps", "buoy_steps/card.html", order=22)]

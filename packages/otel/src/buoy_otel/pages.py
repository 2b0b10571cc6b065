"""The link to the trace, on the page of a job. Only buoy-web imports this file."""

from buoy_web import Card

PARTS = [Card("otel", "Trace", "buoy_otel/trace.html", order=60)]

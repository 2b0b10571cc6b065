"""The error that this package adds; what goes wrong on the way are smtplib's own."""

from buoy import BuoyError


class InvalidMail(BuoyError, ValueError):
    """A mail cannot be sent as it is: an address, a header, or a part of it is not valid."""

"""The error that this package adds. Errors of sending are those of smtplib and OSError."""

from buoy import BuoyError


class InvalidMail(BuoyError, ValueError):
    """A mail cannot be sent as it is: an address, a header, or another part of it is not valid."""

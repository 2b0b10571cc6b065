"""``buoy mail``."""

import click


@click.group()
def mail() -> None:
    """Mails: tell of failed jobs."""

"""Reservations made by hand, for tests that need no Redis."""

from buoy.model.reservation import Reservation


def held(*names: str) -> list[Reservation]:
    return [Reservation(name, f"token of {name}", "mail", "{}") for name in names]


def runs(name: str) -> tuple[Reservation, Reservation]:
    """Two runs of one job, the older one first."""
    [old] = held(name)
    return old, old._replace(token=f"newer token of {name}", lost=1)

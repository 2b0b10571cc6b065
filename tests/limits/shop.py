"""Job classes with limits."""

from buoy import Job
from buoy_limits import Debounce, Fair, Limit, Limits, Lonely, Rate, Throttle


class Pay(Job):
    queue = "purchasing"

    def perform(self, account: object, note: str = "") -> None:
        if note == "fail":
            raise ValueError(account)


class Charge(Pay):
    plugins = [Limit(key="account", at_once=2)]


class Refund(Charge):
    """Counted for itself."""


class CallStripe(Charge):
    plugins = [Limit(name="stripe", at_once=3)]


class AskStripe(CallStripe):
    """Counted with the other one."""


class Both(Pay):
    plugins = [Limits(Limit(at_once=3), Limit(key="account", at_once=2))]


class Slow(Pay):
    plugins = [Rate(1, per=100, key="account")]


class Rare(Pay):
    plugins = [Throttle(60, key="account")]


class Late(Pay):
    plugins = [Debounce(50, at_most=600)]


class Sync(Pay):
    plugins = [Lonely()]


class Export(Pay):
    plugins = [Fair(key="account")]

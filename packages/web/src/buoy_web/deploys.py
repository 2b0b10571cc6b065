"""Deploys: when which version of the app went live. Charts and the page Classes show them."""

from dataclasses import dataclass

from buoy import App
from buoy.plugins import expect
from buoy.plugins.redis import RedisSteps, awaiting, blocking, command_steps, lua_steps

KEPT = 50
LONGEST_LABEL = 100
"""Characters."""
ONCE = 600
"""Seconds in which a label counts as one deploy: many hosts may say the same one."""


@dataclass(frozen=True)
class Deploy:
    """A deploy. ``at``: epoch seconds, by the clock of Redis; ``label``: a version, say."""

    at: float
    label: str


@blocking
def mark_deploy(app: App, label: str) -> RedisSteps[bool]:
    """Note that a version of the app goes live now. Returns False if that was noted in the last ten
    minutes. The newest 50 are kept. Raises ConfigurationError and BrokerError."""
    right = isinstance(label, str) and label.isprintable() and 0 < len(label) <= LONGEST_LABEL
    wanted = f"1 to {LONGEST_LABEL} characters that can be printed"
    expect(right, "deploy", wanted, label)
    arguments: list[str | int] = [label, ONCE * 1000, KEPT]
    marked = lua_steps("buoy_web", "mark_deploy", [deploys_key(app)], arguments)
    return bool((yield from marked))


amark_deploy = awaiting(mark_deploy)


@blocking
def deploys(app: App) -> RedisSteps[list[Deploy]]:
    """Returns the deploys that are known, the newest first. Raises BrokerError."""
    return read_deploys(app)


adeploys = awaiting(deploys)


def read_deploys(app: App) -> RedisSteps[list[Deploy]]:
    """Returns what ``deploys`` does; takes one round trip."""
    found = yield from command_steps("XREVRANGE", deploys_key(app), "+", "-", "COUNT", KEPT)
    return [
        Deploy(int(id.split(b"-")[0]) / 1000, fields[1].decode(errors="replace"))
        for id, fields in found
    ]


def deploys_key(app: App) -> str:
    return f"{app.settings.namespace}:web:deploys"

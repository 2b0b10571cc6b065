"""What Redis tells of itself."""

from buoy.plugins.operators import send_commands
from buoy.plugins.redis import RedisSteps

Facts = dict[str, str | int]
NUMBERS = ("used_memory", "maxmemory", "connected_clients", "uptime_in_seconds")
TEXTS = ("maxmemory_policy", "redis_version", "valkey_version")


def read_redis_facts() -> RedisSteps[Facts]:
    """Returns version, memory, eviction policy and clients of Redis, of a cluster those of one
    node; what it does not tell is missing. Takes one round trip."""
    facts: Facts = {}
    replies = yield from send_commands([["INFO", part] for part in ("server", "memory", "clients")])
    for line in b"\n".join(reply for reply in replies if isinstance(reply, bytes)).splitlines():
        name, _, value = line.decode(errors="replace").partition(":")
        if name in NUMBERS:
            facts[name] = int(value) if value.isdecimal() else 0
        elif name in TEXTS:
            facts[name] = value.strip()
    return facts

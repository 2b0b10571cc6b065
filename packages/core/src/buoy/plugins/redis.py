"""What plugins keep in Redis, and what they may ask about jobs there.

Functions that return ``RedisSteps`` do nothing by themselves: ``app.run_steps(...)`` and
``await app.arun_steps(...)`` run them, and other steps can be made of them with ``yield from``.
"""

from ..broker.redis_access import command_steps, lua_steps
from ..connection.client import RedisSteps
from ..operations.plugin_access import (
    claim_holder,
    delayed_jobs,
    find_job,
    if_running,
    number_place,
    queue_names,
)
from ..operations.views import JobView

__all__ = [
    "JobView",
    "RedisSteps",
    "claim_holder",
    "command_steps",
    "delayed_jobs",
    "find_job",
    "if_running",
    "lua_steps",
    "number_place",
    "queue_names",
]

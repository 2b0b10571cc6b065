"""What plugins keep in Redis, and what they may ask about jobs there.

Functions that return ``RedisSteps`` do nothing by themselves: ``app.run_steps(...)`` and
``await app.arun_steps(...)`` run them, and other steps can be made of them with ``yield from``.
``blocking`` makes a method that takes them of a method that returns them, and ``awaiting`` its twin
for programs that await; ``blocking_call`` and ``awaiting_call`` do so for functions;
``blocking_pages`` and ``awaiting_pages`` make methods that iterate over
all that steps find.
"""

from ..broker.redis_access import command_steps, lua_steps
from ..connection.client import RedisSteps
from ..connection.twins import (
    Page,
    PageSteps,
    all_of,
    awaiting,
    awaiting_call,
    awaiting_pages,
    blocking,
    blocking_call,
    blocking_pages,
    map_pages,
    merge_pages,
    pages_of,
    steps_of,
)
from ..model.ending import GroupKey, group_in, is_group, place_in
from ..operations.counts import ClassCounts, Histogram
from ..operations.groups import (
    MEMBERS_AT_ONCE,
    GroupView,
    change_members,
    close_group,
    open_group,
    open_members,
    read_groups,
    view_groups,
)
from ..operations.lost_members import lose_members, missing_members
from ..operations.pace_reader import Pace, PaceView, ThrottleView
from ..operations.permit_reader import PermitView
from ..operations.plugin_access import (
    claim_holder,
    delayed_jobs,
    find_claims,
    find_job,
    find_jobs,
    find_paces,
    find_permits,
    find_throttles,
    if_running,
    keep_plugin_data,
    number_place,
    queue_names,
)
from ..operations.views import ClaimView, JobView, QueueView, WorkerView

__all__ = [
    "MEMBERS_AT_ONCE",
    "ClaimView",
    "ClassCounts",
    "GroupKey",
    "GroupView",
    "Histogram",
    "JobView",
    "Pace",
    "PaceView",
    "Page",
    "PageSteps",
    "PermitView",
    "QueueView",
    "RedisSteps",
    "ThrottleView",
    "WorkerView",
    "all_of",
    "awaiting",
    "awaiting_call",
    "awaiting_pages",
    "blocking",
    "blocking_call",
    "blocking_pages",
    "change_members",
    "claim_holder",
    "close_group",
    "command_steps",
    "delayed_jobs",
    "find_claims",
    "find_job",
    "find_jobs",
    "find_paces",
    "find_permits",
    "find_throttles",
    "group_in",
    "if_running",
    "is_group",
    "keep_plugin_data",
    "lose_members",
    "lua_steps",
    "map_pages",
    "merge_pages",
    "missing_members",
    "number_place",
    "open_group",
    "open_members",
    "pages_of",
    "place_in",
    "queue_names",
    "read_groups",
    "steps_of",
    "view_groups",
]

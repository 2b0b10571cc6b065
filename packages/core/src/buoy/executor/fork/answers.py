"""The answer of a child: the settlement of its job in JSON. The nursery passes it to the worker."""

import math
from typing import Any

from ...model.reservation import Reservation, Settlement

Answer = dict[str, Any]
"""``act``, and perhaps ``payload``, ``wait`` (seconds) and ``commands``, as in Settlement."""
OUTCOMES = ("done", "delayed", "failed", "rejected", "released")


def answer_of(settlement: Settlement) -> Answer:
    """The answer that ``parse_answer`` makes this settlement of."""
    return {
        "outcome": settlement.outcome,
        "payload": settlement.payload,
        "wait": settlement.wait,
        "commands": settlement.commands,
    }


def parse_answer(reservation: Reservation, answer: Any) -> Settlement | None:
    """The settlement of a job by its answer. Returns None when the value is no answer: a job may
    have written into a pipe that is not its own."""
    if not isinstance(answer, dict) or answer.get("outcome") not in OUTCOMES:
        return None
    payload, wait = answer.get("payload", ""), answer.get("wait", 0.0)
    commands = answer.get("commands", ())
    right = isinstance(payload, str) and is_seconds(wait) and are_commands(commands)
    facts = {"payload": payload, "wait": wait, "commands": commands}
    return Settlement.of(reservation, answer["outcome"], **facts) if right else None


def is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def are_commands(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(is_command, value))


def is_command(value: Any) -> bool:
    return isinstance(value, list) and all(type(word) in (str, int, float) for word in value)

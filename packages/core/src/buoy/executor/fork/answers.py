"""The answer of a child: the settlement of its job in JSON. The nursery passes it to the worker."""

import math
from typing import Any

from ...model.reservation import Reservation, Settlement

Answer = dict[str, Any]
"""``outcome``, and perhaps ``payload``, ``wait``, ``name``, ``waited``, ``seconds``,
``children`` and ``commands``, as in Settlement."""
DEFAULTS = {each: Settlement._field_defaults[each] for each in Settlement._fields[4:]}
OUTCOMES = ("done", "delayed", "failed", "rejected", "released")


def answer_of(settlement: Settlement) -> Answer:
    """The answer that ``parse_answer`` makes this settlement of."""
    answer: Answer = {
        "outcome": settlement.outcome,
        "payload": settlement.payload,
        "wait": settlement.wait,
        "name": settlement.name,
        "waited": settlement.waited,
        "seconds": settlement.seconds,
        "commands": settlement.commands,
    }
    if settlement.children:
        answer["children"] = settlement.children
    return answer


def parse_answer(reservation: Reservation, answer: Any) -> Settlement | None:
    """The settlement of a job by its answer. Returns None when the value is no answer: a job may
    have written into a pipe that is not its own."""
    if not isinstance(answer, dict) or answer.get("outcome") not in OUTCOMES:
        return None
    facts = {field: answer.get(field, default) for field, default in DEFAULTS.items()}
    right = all(isinstance(facts[field], str) for field in ("payload", "name"))
    right = right and is_seconds(facts["wait"]) and is_seconds(facts["waited"])
    right = right and (facts["seconds"] is None or is_seconds(facts["seconds"]))
    right = right and are_commands(facts["commands"]) and are_children(facts["children"])
    return Settlement.of(reservation, answer["outcome"], **facts) if right else None


def is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def are_commands(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(is_command, value))


def are_children(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(is_child, value))


def is_child(value: Any) -> bool:
    right = isinstance(value, list) and len(value) in (1, 3)
    return right and all(type(word) is str for word in value)


def is_command(value: Any) -> bool:
    return isinstance(value, list) and all(type(word) in (str, int, float) for word in value)

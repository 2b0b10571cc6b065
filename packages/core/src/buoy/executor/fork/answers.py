"""What becomes of a job, as child and nursery tell it; what makes no sense is no answer."""

import math
from typing import Any

from ...model.reservation import Reservation, Settlement

Answer = dict[str, Any]
ACTS = ("done", "later", "failed", "rejected", "release")


def answer_of(settlement: Settlement) -> Answer:
    return {
        "act": settlement.act,
        "payload": settlement.payload,
        "wait": settlement.wait,
        "commands": settlement.commands,
    }


def settlement_of(held: Reservation, answer: Any) -> Settlement | None:
    """What an answer says of a job; None when it says nothing."""
    if not isinstance(answer, dict) or answer.get("act") not in ACTS:
        return None
    payload, wait = answer.get("payload", ""), answer.get("wait", 0.0)
    commands = answer.get("commands", ())
    right = isinstance(payload, str) and is_seconds(wait) and all(map(is_command, commands))
    facts = {"payload": payload, "wait": wait, "commands": commands}
    return Settlement.of(held, answer["act"], **facts) if right else None


def is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def is_command(value: Any) -> bool:
    return isinstance(value, list) and all(type(word) in (str, int, float) for word in value)

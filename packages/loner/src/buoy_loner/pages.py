"""The page Unique jobs of the dashboard, and the claims of a job on its own page. Only buoy-web
imports this file."""

import json
from typing import Any

from buoy import ConfigurationError
from buoy.plugins.operators import ClaimPage, PageMonitor, read_claim_page
from buoy.plugins.redis import RedisSteps
from buoy_web import Action, Card, NotFound, Page, Visit

from .claims import HeldClaim, held_claim, is_own

SHOWN = 20
"""About how many claims a page has."""


def show(visit: Visit) -> dict[str, Any]:
    queue, after, text = visit.get("queue").strip(), visit.get("after"), visit.get("q").strip()
    queues, page = visit.app.run_steps(read_page(visit.monitor, queue, cursor_in(after)))
    found = [held_claim(claim, job) for claim, job in page.held if is_own(claim.claim)]
    return {
        "queue": queue,
        "queues": queues,
        "q": text,
        "claims": [each for each in found if matches(each, text.lower())],
        "after": after,
        "next": json.dumps(page.next) if page.next else "",
    }


def matches(claim: HeldClaim, text: str) -> bool:
    """Whether a text is in the class or the arguments of a holder, or is its id or its claim."""
    facts = f"{claim.name or ''} {claim.args}".lower()
    return text in facts or text in (claim.id.lower(), claim.claim.lower())


def read_page(
    monitor: PageMonitor, queue: str, start: tuple[str, int] | None
) -> RedisSteps[tuple[list[str], ClaimPage]]:
    """Returns the names of all queues, and some claims of one of them, or of all; takes at most
    five round trips."""
    queues = yield from monitor.read_queue_names()
    chosen = [queue] if queue else queues
    return queues, (yield from read_claim_page(monitor, chosen, SHOWN, start))


def cursor_in(text: str) -> tuple[str, int] | None:
    """Returns where a page begins; None for "". Raises ConfigurationError."""
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        found = ()
    match found:
        case None:
            return None
        case [str(queue), int(cursor)] if 0 <= cursor < 2**64:
            return queue, cursor
    raise ConfigurationError(f"after: expected an address of this dashboard, got {text!r:.80}")


def release(visit: Visit) -> str:
    """Release a claim if the job that the page showed still holds it."""
    queue, claim, id = visit.get("queue"), visit.get("claim"), visit.get("id")
    if visit.app.monitor.holder(queue, claim) != id:
        raise NotFound(f"Job {id} does not hold this claim any more.")
    visit.app.release(queue, claim)
    return f"{claim} is free; job {id} continues without it."


PARTS: list[Page | Action | Card] = [
    Page("unique", show, "buoy_loner/unique.html", "Unique jobs", 36),
    Action("unique/release", release),
    Card("loner", "Claims", "buoy_loner/claims.html", order=30),
]

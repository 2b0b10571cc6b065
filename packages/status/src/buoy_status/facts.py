"""What this package tells of a job beside what its queue knows."""

from dataclasses import asdict
from typing import Any

from buoy import App
from buoy.plugins.commands import format_time
from buoy.plugins.operators import KnownJob

from . import store
from .state import Progress, State, ended_state, live_state

TIMES = ("enqueued_at", "due_at", "started_at", "ended_at")


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns how a job ended, with its result, or the progress of its run; None if neither was
    recorded. Queues tell themselves where a job is that has not ended."""
    state = state_of(app, known)
    if state is None or (state.progress is None and state.state not in ("done", "cancelled")):
        return None
    facts = {name: value for name, value in asdict(state).items() if value is not None}
    facts |= {name: format_time(facts[name]) for name in TIMES if name in facts}
    if state.progress is not None:
        facts["progress"] = progress_facts(state.progress)
    return {name: value for name, value in facts.items() if name not in ("id", "queue")}


def state_of(app: App, known: KnownJob) -> State[Any] | None:
    """Returns the state of a job, in one round trip. Raises BrokerError."""
    texts = app.run_steps(store.stored_texts(app, known.id, known.queues))
    if known.job is not None:
        return live_state(known.job, texts[0][2])
    states = (ended_state(known.id, *each) for each in texts)
    found = [state for state in states if state is not None]
    return max(found, key=lambda state: state.ended_at or 0.0, default=None)


def progress_facts(progress: Progress) -> dict[str, Any]:
    """Returns progress as facts have it; ``fraction``: the part that is done, from 0 to 1."""
    return asdict(progress) | {"fraction": progress.fraction, "at": format_time(progress.at)}

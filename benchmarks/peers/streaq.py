"""streaq: a stream; what a dead worker leaves behind is taken over after a minute."""

from ..subject import Subject

SUBJECTS = [
    Subject(
        name="streaq",
        system="streaq",
        app="benchmarks.apps.streaq_app",
        worker="python -m benchmarks.apps.streaq_app",
        slots=16,
        promise="at least once",
        rate=1_000,
        bulk=True,
    )
]

"""saq: keeps a job until it is done; runs it again if it has attempts left."""

from ..subject import Subject

SUBJECTS = [
    Subject(
        name="saq",
        system="saq",
        app="benchmarks.apps.saq_app",
        worker="saq {app}.settings --quiet",
        slots=10,
        promise="at least once",
        rate=2_000,
    )
]

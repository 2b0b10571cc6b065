"""A task that nothing imports before it is to run."""

try:
    from django.tasks import task
except ModuleNotFoundError:  # Django 5.2
    from django_tasks import task


@task
def late() -> str:
    """Does little."""
    return "late"

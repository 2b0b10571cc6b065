"""The dashboard: ``path("jobs/", include("buoy_django.urls"))``."""

from django.core.exceptions import ImproperlyConfigured
from django.urls import re_path

try:
    from .dashboard import dashboard
except ModuleNotFoundError as error:
    raise ImproperlyConfigured(
        "buoy_django.urls: expected the package buoy-web, which has the dashboard: "
        f"pip install 'buoy-django[web]' ({error})"
    ) from error

app_name = "buoy"
urlpatterns = [re_path(r"^(?P<rest>.*)$", dashboard, name="dashboard")]

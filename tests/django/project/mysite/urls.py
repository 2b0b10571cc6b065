"""The addresses of the project."""

from django.urls import include, path

urlpatterns = [
    path("jobs/", include("buoy_django.urls")),
    path("of/<str:name>/jobs/", include("buoy_django.urls", namespace="other")),
]

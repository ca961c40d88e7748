"""Where requests go."""

from django.contrib import admin
from django.urls import path

from ghostnet.health import live, ready
from ghostnet.pages import overview

urlpatterns = [
    path("", overview),
    path("admin/", admin.site.urls),
    path("health/live", live),
    path("health/ready", ready),
]

"""Where requests go."""

from django.contrib import admin
from django.urls import path

from api.api import api
from ghostnet.health import live, ready, startup
from ghostnet.pages import views

urlpatterns = [
    path("", views.spectators),
    path("player", views.find_player),
    path("player/<str:address>", views.player),
    path("scan/<int:level>/<int:scan_id>", views.scan),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("health/live", live),
    path("health/ready", ready),
    path("health/startup", startup),
]

"""Registers every table of the indexer in the admin."""

from django.apps import apps
from django.contrib import admin

from ghostnet.admin.lists import RowAdmin
from indexer.models import OperatorRequest

for model in apps.get_app_config("indexer").get_models():
    if model is not OperatorRequest:
        admin.site.register(model, RowAdmin)

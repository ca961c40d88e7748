"""The Django project: settings, entry points, pages, admin, database backend, demo."""

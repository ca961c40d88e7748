"""The names of threads that work for requests."""

from typing import Final

API_THREADS: Final = "api"
PAGE_THREADS: Final = "pages"

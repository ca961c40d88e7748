# The image of all processes: `docker build -t ghostnet-indexer .`; what one does is its command.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
COPY requirements.image.lock /src/
RUN /venv/bin/pip install --require-hashes --only-binary :all: --no-binary django-timescaledb -r /src/requirements.image.lock \
    && /venv/bin/pip uninstall --yes pip
WORKDIR /app
COPY manage.py ./
COPY ghostnet ghostnet
COPY indexer indexer
COPY api api
COPY realtime realtime
COPY templates templates
COPY fixtures fixtures
COPY docs/operations.md docs/
RUN DJANGO_SETTINGS_MODULE=ghostnet.settings DATABASE_URL=postgres://none@127.0.0.1/none \
    /venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf .ghostnet \
    && /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib /app

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="ghostnet-indexer"
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin ghostnet
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_DEBUG=false \
    GHOSTNET_LOG_FORMAT=json \
    GHOSTNET_DATA_DIR=/tmp/ghostnet
USER 10001:10001
EXPOSE 8000
# Of the web server; compose and Kubernetes name those of the other commands.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/startup', timeout=4)"]
# Of connections that come at once, more than the backlog are dropped, and tried again by their clients after a second.
CMD ["daphne", "--endpoint", "tcp:port=8000:interface=0.0.0.0:backlog=1024", "--ping-interval", "20", "--ping-timeout", "40", "--verbosity", "0", "ghostnet.asgi:application"]

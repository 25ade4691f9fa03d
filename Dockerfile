# One image for web, worker, beat and migrations; docker-compose.yml says which command each runs.
# No container engine runs on the machines that build this project: see the head of docker-compose.yml.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
RUN /venv/bin/python -m pip install --require-hashes --only-binary :all: -r /tmp/requirements.txt
COPY . /app
WORKDIR /app
# Hashed, compressed static files. DEBUG only spares this step a secret; nothing of it stays in the image.
RUN DEBUG=1 DATA_DIR=/tmp/build /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q infusion_center scheduler

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin scheduler \
    && install --directory --owner scheduler --mode 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data
WORKDIR /app
USER scheduler
VOLUME /data
EXPOSE 8000
# /healthz answers on loopback without TLS, whatever BASE_URL and ALLOWED_HOSTS say.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# WEB_CONCURRENCY and FORWARDED_ALLOW_IPS are read by uvicorn itself.
CMD ["python", "-m", "uvicorn", "infusion_center.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--lifespan", "off", "--no-access-log", "--log-level", "warning", "--no-server-header", \
     "--timeout-graceful-shutdown", "10", "--proxy-headers"]

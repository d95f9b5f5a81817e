# One image for web, worker, beat and the demo API; docker-compose.yml says which container does what.
#   docker build -t metricvault .
# The classic builder is enough. No layer holds a secret: SECRET_KEY and addresses come when a container starts.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python3 -m venv /opt/metricvault
COPY requirements.txt ./
# Nothing is installed later: pip goes once it has done its work.
RUN /opt/metricvault/bin/python -m pip install -q --require-hashes -r requirements.txt \
 && /opt/metricvault/bin/python -m pip uninstall -q -y setuptools pip

# npm out of a Python wheel, so that one base image is enough.
FROM ${PYTHON_IMAGE} AS browser
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python3 -m venv /opt/node
COPY requirements-node.txt ./
RUN /opt/node/bin/python -m pip install -q --require-hashes -r requirements-node.txt
COPY package.json package-lock.json .npmrc ./
RUN PATH="/opt/node/bin:$PATH" npm ci --silent

FROM packages AS code
WORKDIR /app
COPY . .
COPY --from=browser /build/node_modules/uplot ./node_modules/uplot
COPY --from=browser /build/node_modules/sortablejs ./node_modules/sortablejs
RUN rm requirements*.txt package*.json .npmrc \
 && /opt/metricvault/bin/python -m metricvault.catalogues \
 && /opt/metricvault/bin/python -m compileall -q .

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Metric Vault" \
      org.opencontainers.image.description="Self-hosted load testing of HTTP APIs, without code" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/metricvault/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=metricvault.settings \
    METRICVAULT_DATA_DIR=/data METRICVAULT_BIND=0.0.0.0 PORT=8000
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin metricvault \
 && install -d -o metricvault -g metricvault -m 700 /data \
 && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip
COPY --from=packages /opt/metricvault /opt/metricvault
COPY --from=code /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
# For `docker run` without compose; each service of docker-compose.yml has its own.
HEALTHCHECK --interval=10s --timeout=8s --start-period=60s --retries=3 \
    CMD ["python", "-m", "metricvault.supervise.container", "healthy", "web"]
ENTRYPOINT ["python", "-m", "metricvault.supervise.container"]
CMD ["web"]

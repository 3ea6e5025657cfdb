# The database host in a container; built and run by `./hybrid local up` where namespaces are refused (compose.yaml).
FROM debian:trixie-slim

# Installing PostgreSQL makes no cluster: host/ does.
RUN mkdir -p /etc/postgresql-common \
    && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf

# The packages of local/host/root_filesystem.py, and a Python to apply host/ with.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o Dpkg::Options::=--force-confold \
        ca-certificates \
        openssl \
        postgresql-17 \
        postgresql-17-postgis-3 \
        postgresql-17-postgis-3-scripts \
        postgresql-17-cron \
        postgresql-17-pgvector \
        postgresql-17-timescaledb \
        pgbackrest \
        pgbouncer \
        python3 \
        python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY host/requirements.lock /opt/hybrid/host/requirements.lock
RUN python3 -m venv /opt/python \
    && /opt/python/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement /opt/hybrid/host/requirements.lock

COPY host /opt/hybrid/host
COPY durable /opt/hybrid/durable
ENV PYTHONPATH=/opt/hybrid \
    PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /opt/hybrid
ENTRYPOINT ["python", "-P", "-m", "host.container", "/etc/hybrid-host.json"]

ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
# pip stays out of the environment that ships: the one in /build installs into it.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/cds
COPY requirements.txt requirements-build.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /build/bin/pip install --disable-pip-version-check --require-hashes -r requirements-build.txt \
 && /build/bin/pip --python /opt/cds/bin/python install --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
RUN /build/bin/pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/cds/bin/python install --disable-pip-version-check --no-deps --no-index /wheel/*.whl
# A fault in the clinical knowledge or in an order template stops the build.
RUN ["/opt/cds/bin/cds", "doctor"]

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="neutropenia-cds" \
      org.opencontainers.image.description="A CDS Hooks service for neutropenia and its nutritional causes" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cds
COPY --from=build /opt/cds /opt/cds
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# What must last. A replica of several uses PostgreSQL instead: CDS_DATABASE_URL, CDS_KEY_FILE.
RUN install -d -o cds -g cds -m 700 /var/lib/cds
ENV CDS_DATABASE_URL=sqlite:////var/lib/cds/store.sqlite
VOLUME /var/lib/cds
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
ENTRYPOINT ["cds"]
# Refuses to start without CDS_CLIENTS; to try it: `serve --host 0.0.0.0 --without-authentication`.
CMD ["serve", "--host", "0.0.0.0"]

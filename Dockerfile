ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
# Whatever writes a time writes this one, so that two builds are alike; `scripts/image-arguments` gives it.
ARG SOURCE_DATE_EPOCH
# Bytecode is written once, below: what an import writes on the way holds the time of the build.
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# Neither pip nor what writes the SBOM is in the environment that ships: those in /build look after it.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/cds
COPY requirements.txt requirements-traces.txt requirements-build.txt requirements-sbom.txt ./
# requirements-traces.txt: the same with OpenTelemetry, for CDS_TRACES.
ARG REQUIREMENTS=requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /build/bin/pip install --disable-pip-version-check --no-compile --require-hashes \
        -r requirements-build.txt -r requirements-sbom.txt \
 && /build/bin/pip --python /opt/cds/bin/python install --disable-pip-version-check --no-compile \
        --require-hashes -r "$REQUIREMENTS"
COPY . .
RUN /build/bin/pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/cds/bin/python install --disable-pip-version-check --no-compile --no-deps --no-index \
        /wheel/*.whl
# Nobody can write there later. What serving never imports stays as it is; no times of files are kept.
RUN ["/opt/cds/bin/python", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", \
     "-x", "/(fhir|fhir_core|pydantic)/", "/opt/cds/lib"]
RUN /build/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o /sbom.json \
        /opt/cds/bin/python \
 && /opt/cds/bin/python scripts/finish-sbom.py /sbom.json /opt/cds/sbom.cdx.json
# A fault in the clinical knowledge or in an order template stops the build.
RUN ["/opt/cds/bin/cds", "doctor"]

FROM ${BASE_IMAGE}
ARG SOURCE_DATE_EPOCH
# The user, and what must last. A replica of several uses PostgreSQL instead: CDS_DATABASE_URL, CDS_KEY_FILE.
RUN groupadd --system --gid 10001 cds \
 && useradd --system --uid 10001 --gid cds --no-create-home --no-log-init --shell /usr/sbin/nologin cds \
 && install -d -o cds -g cds -m 700 /var/lib/cds
COPY --from=build /opt/cds /opt/cds
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CDS_DATABASE_URL=sqlite:////var/lib/cds/store.sqlite
# Last, so that another version makes no other layer; `scripts/image-arguments` gives both.
ARG VERSION=unknown
ARG KNOWLEDGE_VERSION=unknown
LABEL org.opencontainers.image.title="neutropenia-cds" \
      org.opencontainers.image.description="A CDS Hooks service for neutropenia and its nutritional causes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      neutropenia-cds.knowledge.version="$KNOWLEDGE_VERSION" \
      neutropenia-cds.sbom="/opt/cds/sbom.cdx.json"
VOLUME /var/lib/cds
USER 10001:10001
EXPOSE 8080
# Metrics: on CDS_METRICS_PORT; with a read-only root they need a tmpfs at /tmp, which all workers count in.
# No shell anywhere: the program and its check are started as they stand here.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
ENTRYPOINT ["cds"]
# Refuses to start without CDS_CLIENTS; to try it: `serve --host 0.0.0.0 --without-authentication`.
CMD ["serve", "--host", "0.0.0.0"]

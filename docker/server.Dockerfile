# The server with its console: built from the checkout, runs as nobody in particular, writes to /data only.
# docker build --file docker/server.Dockerfile --tag coldseal-server .
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
# The package's own files only: what is not copied cannot leak into the image.
COPY pyproject.toml README.md LICENSE ./
COPY coldseal coldseal
COPY wire wire
COPY edge_agent edge_agent
COPY server server
COPY simulators simulators
COPY firmware_configs firmware_configs
RUN python -m venv /opt/coldseal && /opt/coldseal/bin/pip install --no-cache-dir '.[server]'

FROM python:3.11-slim-bookworm
# A fixed number, so that the owner of a volume or of a secret's file can be set from outside.
RUN groupadd --gid 10001 coldseal \
 && useradd --uid 10001 --gid coldseal --no-create-home --shell /usr/sbin/nologin coldseal \
 && install --directory --owner coldseal --group coldseal /data \
 && install --directory --mode 1777 /enrolment # server and agent, two users, meet here once
COPY --from=build /opt/coldseal /opt/coldseal
COPY docker/enrol.sh /opt/coldseal/bin/enrol
ENV PATH=/opt/coldseal/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/api/v1/health', timeout=4)"]
ENTRYPOINT ["coldseal"]
CMD ["server", "run", "--data", "/data", "--host", "0.0.0.0"]

# The agent at the meter. With --build-arg EXTRAS=sim the same file makes the simulated site.
# docker build --file docker/agent.Dockerfile --tag coldseal-agent .
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=edge
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY coldseal coldseal
COPY wire wire
COPY edge_agent edge_agent
COPY server server
COPY simulators simulators
COPY firmware_configs firmware_configs
RUN python -m venv /opt/coldseal && /opt/coldseal/bin/pip install --no-cache-dir ".[${EXTRAS}]"

FROM python:3.11-slim-bookworm
# dialout owns serial lines on Debian: who runs it at a real meter adds `devices:` and `group_add: [dialout]`.
RUN groupadd --gid 10002 coldseal \
 && useradd --uid 10002 --gid coldseal --no-create-home --shell /usr/sbin/nologin coldseal \
 && install --directory --owner coldseal --group coldseal /data \
 && install --directory --mode 1777 /enrolment # server and agent, two users, meet here once
COPY --from=build /opt/coldseal /opt/coldseal
COPY docker/introduce.sh /opt/coldseal/bin/introduce
ENV PATH=/opt/coldseal/bin:$PATH PYTHONUNBUFFERED=1
USER 10002:10002
VOLUME /data
ENTRYPOINT ["coldseal"]
CMD ["agent", "run", "/data/agent.yaml"]

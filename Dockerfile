# The engine without a screen. Nobody builds this in tstream's own tests: a test reads it by rules only.
#
#   docker build -t tstream .
#   docker run --name tstream -v tstream:/data --env-file .env tstream
#   docker exec tstream tstream status
#
# Settings are /data/tstream.toml. Secrets come from the environment, never from the image.

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY adapters adapters
COPY engine engine
COPY themes themes
COPY tstream tstream
COPY tui tui
RUN python -m venv /opt/tstream \
    && /opt/tstream/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[postgres,redis,notify]"

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin trader \
    && install --directory --owner trader --group trader --mode 0700 /data
COPY --from=build /opt/tstream /opt/tstream
ENV PATH=/opt/tstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TSTREAM_HOME=/data
USER trader
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["tstream", "status", "--json"]
ENTRYPOINT ["tstream"]
CMD ["engine"]

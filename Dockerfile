# The relay in a container. Toys and browsers reach it on ports 8765 and 8766.
#   docker compose run --rm relay python -m tools.models get --starter     once: about 750 MB
#   docker compose up -d                                                   from then on

FROM python:3.12-slim-bookworm AS build
# llama.cpp is compiled for the processor that builds the image.
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# First what changes rarely, so that a change of the code does not compile llama.cpp again.
COPY pyproject.toml README.md ./
COPY relay/__init__.py relay/
COPY device/__init__.py device/
COPY tools/__init__.py tools/
RUN pip install --no-cache-dir -e ".[postgresql,toy]"

FROM python:3.12-slim-bookworm
RUN useradd --uid 1000 --create-home bramble \
    && mkdir /data /models \
    && chown bramble /data /models
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY pyproject.toml README.md LICENSE boot.py main.py ./
COPY device device
COPY relay relay
COPY tools tools
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BRAMBLE_DATA_DIR=/data \
    BRAMBLE_MODELS_DIR=/models
USER bramble
VOLUME ["/data", "/models"]
EXPOSE 8765 8766
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "relay", "health"]
CMD ["python", "-m", "relay"]

# One image for all parts: paidan migrate, relay, worker and every other command.
#   docker build -t paidan .                          the linear model, no torch
#   docker build -t paidan --build-arg EXTRA=ml .     with torch, for versions that need it
FROM python:3.11-slim

ARG EXTRA=linear

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PAIDAN_HOME=/var/lib/paidan \
    TORCHINDUCTOR_CACHE_DIR=/var/lib/paidan/compiled \
    TRITON_CACHE_DIR=/var/lib/paidan/compiled/triton

# On a GPU the LLM's layers are compiled, which takes a C compiler.
RUN [ "$EXTRA" = linear ] || { apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*; }

# Uid 1000 is the first user of most hosts: files written to a mounted folder are theirs.
RUN useradd --uid 1000 --no-create-home --home-dir /var/lib/paidan paidan \
    && install --directory --owner=paidan --group=paidan /var/lib/paidan

# What .dockerignore lets through: the packages, pyproject.toml, constraints.txt, the licence.
COPY . /src
RUN pip install --constraint /src/constraints.txt "/src[${EXTRA}]" && rm -rf /src

USER paidan
WORKDIR /var/lib/paidan
ENTRYPOINT ["paidan"]
CMD ["--help"]

# The page in a container, for the CPU, or with --build-arg TORCH=cu130 (or cu126) for CUDA:
#
#   docker build -t twinseed .
#   docker run --rm -p 8501:8501 -e TWINSEED_PAGE_PASSWORD=choose-one -v twinseed:/data twinseed
#
# Written for Docker 23 or newer. It has not been run where it was written: there was no Docker engine.
FROM python:3.11-slim-bookworm AS built

ARG TORCH=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/twinseed
ENV PATH=/opt/twinseed/bin:$PATH
RUN pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/${TORCH}

WORKDIR /src
COPY . .
RUN pip install --constraint constraints.txt .

FROM python:3.11-slim-bookworm

# Chinese letters and signs in PDF reports.
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/*
COPY --from=built /opt/twinseed /opt/twinseed

RUN useradd --create-home --uid 1000 twinseed && install -d -o twinseed -g twinseed /data
USER twinseed
WORKDIR /data
VOLUME /data
# Runs, models and what was downloaded from the hub stay in the volume.
ENV PATH=/opt/twinseed/bin:$PATH \
    TWINSEED_RUNS=/data/runs \
    TWINSEED_MODELS=/data/models \
    TWINSEED_CACHE=/data/expansions \
    HF_HOME=/data/hub

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# At an address that others reach, the page asks for the password in TWINSEED_PAGE_PASSWORD; without one it does not start.
CMD ["twinseed", "page", "--host", "0.0.0.0", "--port", "8501"]

# Locuscope for a lab's server. Build:  docker build -t locuscope .
# With CUDA:                            docker build -t locuscope --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
# Run:                                  docker run -p 127.0.0.1:8501:8501 -v locuscope:/data locuscope
# Everything else about a server:       docs/hosting.md
FROM python:3.12-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# ViennaRNA may not be redistributed for a fee, so an image has it only where it is asked for: --build-arg VIENNARNA=yes
ARG VIENNARNA=no

# Chromium draws PNG, SVG and PDF files of figures; without a font their words are empty.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-liberation \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt ./
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --index-url "${TORCH_INDEX}" "$(grep '^torch==' requirements.txt | cut -d' ' -f1)" \
    && { [ "${VIENNARNA}" = yes ] && cat requirements.txt || grep -v '^ViennaRNA' requirements.txt; } > /tmp/pins.txt \
    && /opt/venv/bin/pip install --no-cache-dir -r /tmp/pins.txt \
    && rm /tmp/pins.txt

COPY app.py LICENSE README.md ./
COPY .streamlit .streamlit
COPY assets assets
COPY engine engine
COPY pages pages
COPY static static

# The code belongs to root and is read only to the one who runs it; what is written lies in the volume.
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin locuscope && install -d -o locuscope /data
USER locuscope
ENV LOCUSCOPE_HOME=/data PYTHONDONTWRITEBYTECODE=1 HOME=/data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/opt/venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["/opt/venv/bin/python", "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501"]

# syntax=docker/dockerfile:1
# One image for every node, for Beam's workers and for the machines of Vertex AI Training.
#
#   make image                    CPU
#   make image ACCELERATOR=gpu    with the CUDA libraries that TensorFlow asks for
#
# Behind a mirror: UV_DEFAULT_INDEX=<address of its simple index> make image.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG BEAM_IMAGE=apache/beam_python3.11_sdk:2.77.0

FROM ${BEAM_IMAGE} AS beam

FROM ${PYTHON_IMAGE} AS build
ARG ACCELERATOR=cpu
ARG UV_DEFAULT_INDEX
ENV PIP_INDEX_URL=${UV_DEFAULT_INDEX} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN python -m pip install 'uv>=0.9,<1'

WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
# Everything but this project: the one large layer, made anew only when the lock changes. TensorFlow's headers (430 MB)
# serve only those who compile operations of their own.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv --quiet --python 3.11 /opt/venv \
    && uv export --quiet --frozen --no-default-groups --no-emit-local \
        --output-file /opt/venv/requirements.txt \
    && uv pip sync --quiet --python /opt/venv --require-hashes --compile-bytecode --link-mode copy \
        /opt/venv/requirements.txt \
    && if [ "$ACCELERATOR" = gpu ]; then \
        uv pip install --quiet --python /opt/venv --link-mode copy "tensorflow[and-cuda]>=2.21,<2.22"; fi \
    && rm -rf /opt/venv/lib/python3.11/site-packages/tensorflow/include

# The default data and weights, so that no node needs the package index.
COPY modules modules
COPY edge/edgeline_edge edge/edgeline_edge
COPY pipeline/__init__.py pipeline/
COPY pipeline/machine/__init__.py pipeline/machine/prefetch.py pipeline/machine/
ARG DATASETS=""
RUN EDGELINE_CACHE=/opt/edgeline-cache PYTHONPATH=edge /opt/venv/bin/python -m pipeline.machine.prefetch $DATASETS

COPY packages packages
COPY edge edge
RUN uv pip install --quiet --python /opt/venv --no-deps --compile-bytecode ./packages/pyfarmhash ./edge

FROM ${PYTHON_IMAGE}
# `modules` and `pipeline` are found by import path, in every process: node, Beam worker, training worker.
ENV PATH=/opt/venv/bin:${PATH} PYTHONPATH=/app PYTHONUNBUFFERED=1 \
    TF_USE_LEGACY_KERAS=1 TF_ENABLE_ONEDNN_OPTS=1 TF_CPP_MIN_LOG_LEVEL=1 EDGELINE_CACHE=/opt/edgeline-cache
RUN useradd --uid 10001 --gid 0 --create-home edgeline
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=build /opt/venv /opt/venv
COPY --from=build --chown=10001:0 /opt/edgeline-cache /opt/edgeline-cache
WORKDIR /app
COPY . .
USER 10001
# Kubeflow and Vertex AI name the command of each node; Beam's workers start with the image's own.
ENTRYPOINT ["/opt/apache/beam/boot"]

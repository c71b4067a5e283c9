"""Kubeflow Pipelines v2 and Vertex AI: compile, submit, execute without a cluster, and run inside a container."""

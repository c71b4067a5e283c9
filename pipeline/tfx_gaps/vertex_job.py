"""google-cloud-aiplatform: the request that a `PipelineJob` would send, before it is sent.

The job holds it in a private message. Its public properties ask for a job that exists, and `to_dict` gives the names
of JSON and leaves out what is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.tf_gaps.guard import Gap

if TYPE_CHECKING:
    from google.cloud.aiplatform import PipelineJob

_GAP = Gap("google-cloud-aiplatform", __name__)


def unsent(job: PipelineJob) -> dict[str, Any]:
    """The message as a mapping, with the names of Vertex AI's API in Python.

    Args:
        job: made, not submitted.

    Raises:
        GapError: the job keeps its message elsewhere.
    """
    _GAP.require(job, "_gca_resource")
    message = job._gca_resource
    _GAP.require(message, "pipeline_spec", "runtime_config")
    _GAP.require(type(message), "to_dict")
    return type(message).to_dict(message)

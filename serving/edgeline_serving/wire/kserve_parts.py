"""KServe's parts, imported in one place: its server module parses the process's command line when it is imported."""

from __future__ import annotations

import sys
import warnings

# KServe answers through a class that FastAPI would rather see go: nothing that a user of this server can mend.
warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
_arguments, sys.argv = sys.argv, sys.argv[:1]
try:
    from kserve import InferInput, InferOutput, InferRequest, InferResponse, Model, ModelRepository
    from kserve import errors as kserve_errors
    from kserve import models as kserve_models
    from kserve.metrics import PREDICT_HIST_TIME
    from kserve.protocol.dataplane import DataPlane
    from kserve.protocol.grpc import grpc_predict_v2_pb2 as grpc_messages
    from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as grpc_services
    from kserve.protocol.grpc.servicer import InferenceServicer
    from kserve.protocol.model_repository_extension import ModelRepositoryExtension
    from kserve.protocol.rest.ssl_cert_refresher import SSLCertRefresher
    from kserve.protocol.rest.v1_endpoints import register_v1_endpoints
    from kserve.protocol.rest.v2_endpoints import register_v2_endpoints
finally:
    sys.argv = _arguments

__all__ = [
    "PREDICT_HIST_TIME",
    "DataPlane",
    "InferInput",
    "InferOutput",
    "InferRequest",
    "InferResponse",
    "InferenceServicer",
    "Model",
    "ModelRepository",
    "ModelRepositoryExtension",
    "SSLCertRefresher",
    "grpc_messages",
    "grpc_services",
    "kserve_errors",
    "kserve_models",
    "register_v1_endpoints",
    "register_v2_endpoints",
]

"""The one place where MLflow is imported: no telemetry, and no long waits for a dead server."""

from __future__ import annotations

import logging
import os
import warnings

# Read by MLflow while it is imported. What the user has set stays.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("AWS_MAX_ATTEMPTS", "2")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# MLflow imports ONNX Runtime by itself where a flavour asks for it (see onnxruntime_import).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import mlflow
import mlflow.pytorch
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

with warnings.catch_warnings():
    # It warns of its own annotations.
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.model import PythonModel

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import (
    get_artifact_repository as artifact_repository,
)
from mlflow.tracking import MlflowClient

STORE_FAULTS = (BotoCoreError, ClientError, Boto3Error)
"""What a store that speaks S3 raises: MLflow lets it pass, or raises its own while handling it."""

logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.ERROR)

__all__ = [
    "STORE_FAULTS",
    "ArtifactRepository",
    "MlflowClient",
    "MlflowException",
    "PythonModel",
    "artifact_repository",
    "mlflow",
]

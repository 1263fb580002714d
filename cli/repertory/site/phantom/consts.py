"""Defaults of what is ingested."""

from __future__ import annotations

APP_DEFAULT_ARTIFACT_LABEL = "artifact"
APP_DEFAULT_ARTIFACT_TYPE = "network"
APP_DEFAULT_CONTAINER_LABEL = "incident"

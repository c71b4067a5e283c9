"""Where a blessed model is registered beside the push folder.

Apart from the rest of the platform, since RegistryPusher's digest covers what it imports.
"""

from __future__ import annotations

from modules.settings import Section

from pydantic import Field


class RegistryConfig(Section):
    """What a blessed model is pushed to besides the push folder: Vertex AI's Model Registry."""

    serving_image: str
    """Prediction container that serves the SavedModel."""
    endpoint: str | None = None
    """Resource name of an endpoint that the model is deployed to as well. Empty: registered only."""
    machine_type: str = "n1-standard-2"
    """Machine behind the endpoint."""
    min_replicas: int = Field(1, ge=1)
    """Fewest machines behind the endpoint."""
    max_replicas: int = Field(1, ge=1)
    """Most machines behind the endpoint."""

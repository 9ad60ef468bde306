"""Settings of single layers of a network, as they are described: no workload is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class LayerSettings(BaseModel):
    """Settings of one layer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    place: Literal["banks", "digital"] = "banks"
    """Where its products are made: on weight banks, or by the digital engine of the front end."""
    bits: Annotated[int, Field(ge=1, le=16)] | None = None
    """Bits of its weights, where banks are to get fewer than they hold; None for no rounding."""
    scaling: Literal["row", "matrix"] = "row"
    """Whether each row of its matrix fills the range of the banks, or only the largest row does."""


class LayeredNetwork(BaseModel):
    """Network whose layers may have settings of their own."""

    layers: Mapping[str, LayerSettings] = Field(default_factory=dict)
    """Settings of layers by name, such as `{conv1: {place: digital}}`."""

    def __hash__(self) -> int:
        """Return a hash of all settings."""
        return hash(self.model_dump_json())

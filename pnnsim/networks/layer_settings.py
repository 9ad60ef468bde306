"""Settings of single layers of a network, as they are described: no workload is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from pnnsim.common.description import Description


class LayerSettings(Description):
    """Settings of one layer."""

    place: Literal["banks", "digital"] = "banks"
    """Where its products are made: on weight banks, or by the digital engine of the front end."""
    bits: Annotated[int, Field(ge=1, le=16)] | None = None
    """Bits of its weights, where banks are to get fewer than they hold; None for no rounding."""
    scaling: Literal["row", "matrix"] = "row"
    """Whether each row of its matrix fills the range of the banks, or only the largest row does."""


class LayeredNetwork(Description):
    """Network whose layers may have settings of their own."""

    layers: Mapping[str, LayerSettings] = Field(default={})
    """Settings of layers by name: `{weight.1: {place: banks, bits: 4, scaling: matrix}}`."""

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        """Return a text as what its field holds; a section is one of layers."""
        return value if info.field_name == "layers" else super()._read(value, info)

    def __hash__(self) -> int:
        """Return a hash of all settings."""
        return hash(self.model_dump_json())

"""Declare physical fields: what a value measures, between which bounds, and what it means.

Every part of a machine is described by one frozen pydantic model, a `Params`. This package holds
descriptions only and must not import torch, so that `pnnsim validate` is fast; the components
that read a `Params` stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pnnsim.common.units import DIMENSIONS, UnitError, read_quantity, show


@dataclass(frozen=True)
class Quantity:
    """Marker of a float field that is a physical value, written with a unit.

    Args:
        dimension: Key of `pnnsim.common.units.DIMENSIONS`.
    """

    dimension: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read text with a unit, then apply the field's own bounds."""
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the text form, for editors."""
        dimension = DIMENSIONS[self.dimension]
        kind: Any = "string" if dimension.si else ["string", "number"]
        return {"type": kind, "examples": [dimension.example], "x-unit": dimension.si or "1"}

    def _read(self, value: Any) -> float:
        dimension = DIMENSIONS[self.dimension]
        if not isinstance(value, str):
            raise PydanticCustomError(
                "quantity",
                "got {got}; expected text with a unit: {name} such as '{example}'",
                {"got": repr(value), "name": dimension.name, "example": dimension.example},
            )
        try:
            return read_quantity(value, self.dimension)
        except UnitError as error:
            raise PydanticCustomError("quantity", "{why}", {"why": str(error)}) from None


Time = Annotated[float, Quantity("time")]
Frequency = Annotated[float, Quantity("frequency")]
Length = Annotated[float, Quantity("length")]
Area = Annotated[float, Quantity("area")]
Power = Annotated[float, Quantity("power")]
Energy = Annotated[float, Quantity("energy")]
Voltage = Annotated[float, Quantity("voltage")]
Current = Annotated[float, Quantity("current")]
Charge = Annotated[float, Quantity("charge")]
Resistance = Annotated[float, Quantity("resistance")]
Capacitance = Annotated[float, Quantity("capacitance")]
MagneticField = Annotated[float, Quantity("magnetic_field")]
Temperature = Annotated[float, Quantity("temperature")]
TemperatureDifference = Annotated[float, Quantity("temperature_difference")]
Angle = Annotated[float, Quantity("angle")]
Fraction = Annotated[float, Quantity("fraction")]
Rate = Annotated[float, Quantity("rate")]
Responsivity = Annotated[float, Quantity("responsivity")]
CurrentNoise = Annotated[float, Quantity("current_noise")]
VoltageNoise = Annotated[float, Quantity("voltage_noise")]
VoltagePerPower = Annotated[float, Quantity("voltage_per_power")]
LengthPerPower = Annotated[float, Quantity("length_per_power")]
LengthPerTemperature = Annotated[float, Quantity("length_per_temperature")]
LengthPerVoltage = Annotated[float, Quantity("length_per_voltage")]
PerTemperature = Annotated[float, Quantity("per_temperature")]
RatioDb = Annotated[float, Quantity("ratio_db")]
LossPerLengthDb = Annotated[float, Quantity("loss_per_length_db")]
NoiseDbc = Annotated[float, Quantity("noise_dbc")]

#: What a line carries: optical power, an optical field with its sign, a voltage, a number, optical
#: power whose symbols follow each other, a level at gates, or microwave power.
Carrier = Literal["power", "field", "voltage", "number", "stream", "gate", "microwave"]

Bits = Annotated[int, Field(ge=1, le=24)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


#: Names of one list; no machine has as many parts or non-idealities.
_MOST_NAMES = 100


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of a list, none of them twice and not more than any machine has.

    Raises:
        PydanticCustomError: If a name repeats, or there are too many.
    """
    why = ""
    if len(names) > _MOST_NAMES:
        why = f"has {len(names)} names; expected at most {_MOST_NAMES}"
    elif len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        why = f"has {show(repeated)} more than once; expected each name once"
    if why:
        raise PydanticCustomError("names", "{why}", {"why": why})
    return names


class Params(BaseModel):
    """Description of one kind of part; a kind is final and adds fields to those of its family.

    `kind` is the YAML name. Unknown keys are errors, and nothing changes after validation.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,  # the validator of a kind is built when the first one is read
    )

    kind: str

    @property
    def package_heat(self) -> float:
        """Return the heat that the part brings into the package of the weight banks [W].

        It is what a cooler must carry away: standing power of what is on the same chip.
        """
        return 0.0


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a field: one of its union's members.

    Args:
        type: Plain Python type or a special form such as `Literal["a", "b"]`.
        dimension: Key of `DIMENSIONS`; None where it is not a physical value.
        bounds: Lowest and highest value with their comparison: `gt`, `ge`, `lt`, `le`.
    """

    type: Any
    dimension: str | None
    bounds: dict[str, float]


def forms_of(model: type[BaseModel], field: str) -> tuple[Form, ...]:
    """Return every way in which a field may be written, `None` left out.

    Args:
        model: Description.
        field: One of its fields.
    """
    info = model.model_fields[field]
    return tuple(_forms(info.annotation, info.metadata))


def dimension_of(model: type[BaseModel], field: str) -> str | None:
    """Return the dimension of a field, or None where it is not a physical value.

    Args:
        model: Description.
        field: One of its fields.
    """
    return next((form.dimension for form in forms_of(model, field) if form.dimension), None)


def forms_of_type(annotation: Any) -> tuple[Form, ...]:
    """Return every way in which a value of an annotation, such as a list's member, is written."""
    return tuple(_forms(annotation, []))


def _forms(annotation: Any, metadata: list[Any]) -> Iterator[Form]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        yield from _forms(inner, [*extra, *metadata])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            if member is not type(None):
                yield from _forms(member, metadata)
    else:
        dimension = None
        bounds: dict[str, float] = {}
        for marker in metadata:
            if isinstance(marker, Quantity):
                dimension = marker.dimension
            for limit in marker.metadata if isinstance(marker, FieldInfo) else [marker]:
                for name in ("gt", "ge", "lt", "le"):
                    value = getattr(limit, name, None)
                    if value is not None:
                        bounds[name] = value
        yield Form(annotation, dimension, bounds)

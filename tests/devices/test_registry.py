"""Kinds of parts: those of the table exist, foreign ones can be added, and names do not clash."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import pytest

from pnnsim.common.forms import dimension_of, forms_of
from pnnsim.devices import registry
from pnnsim.devices.family_params import FAMILIES, MemoryParams
from pnnsim.devices.quantities import Params, Time
from pnnsim.devices.registry import component_class, kinds, params_class, parts, register
from pnnsim.errors import SpecError
from pnnsim.specs.hardware import load_spec
from tests.specs.spec_text import MACHINE

BUILT_IN = [(part, kind) for part, table in registry.BUILTIN.items() for kind in table]


class LoopParams(MemoryParams):
    """Describe a loop of fibre that a test invented."""

    kind: Literal["loop"]
    hold_time: Time
    """Round trip."""
    capacity: int = 1
    """Samples."""


class Loop:
    """Stand in for a component, with what the registry reads."""

    kind: ClassVar[str] = "loop"
    Params = LoopParams


class OtherLoop(Loop):
    """Claim the same kind."""


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> type[Any]:
    monkeypatch.setattr(registry, "_registered", {})
    component: type[Any] = Loop
    register("memory", component)
    return component


@pytest.mark.parametrize(("part", "kind"), BUILT_IN)
def test_every_kind_of_the_table_has_a_description_and_a_component(part: str, kind: str) -> None:
    params = params_class(part, kind)
    assert params is not None
    assert params.model_fields["kind"].annotation == Literal[kind]  # type: ignore[valid-type]
    component = component_class(part, kind)
    assert component.kind == kind
    assert component.Params is params


@pytest.mark.parametrize(("part", "kind"), BUILT_IN)
def test_every_key_has_a_meaning(part: str, kind: str) -> None:
    params = params_class(part, kind)
    assert params is not None
    assert params.__doc__
    for key, info in params.model_fields.items():
        assert key in ("kind",) or info.description, f"{part}.{kind}.{key}"
        # These are the notation of a value itself.
        assert key not in ("value", "range", "group", "drawn", "source")


@pytest.mark.parametrize(("part", "kind"), BUILT_IN)
def test_every_description_is_one_of_its_family(part: str, kind: str) -> None:
    params = params_class(part, kind)
    assert params is not None
    assert issubclass(params, FAMILIES[part])
    assert [name for name, other in FAMILIES.items() if issubclass(params, other)] == [part]


def test_a_kind_whose_description_is_of_no_family_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Alone(Params):
        """Describe a memory without its family."""

        kind: Literal["alone"]

    class Component:
        """Stand in for a component."""

        kind = "alone"
        Params = Alone

    component: type[Any] = Component
    monkeypatch.setattr(registry, "_registered", {})
    with pytest.raises(
        ValueError, match=r"memory\.alone: .*Alone is not a description of this part"
    ):
        register("memory", component)
    assert params_class("memory", "alone") is None
    point = SimpleNamespace(name="memory.alone", value="here", load=lambda: component)
    monkeypatch.setattr(registry, "_installed", lambda: (point,))
    with pytest.raises(ValueError, match=r"expected a subclass of .*\.MemoryParams"):
        params_class("memory", "alone")


def test_unknown_kinds_are_none_for_descriptions_and_an_error_for_components() -> None:
    assert params_class("memory", "loop") is None
    with pytest.raises(KeyError, match=r"memory\.loop"):
        component_class("memory", "loop")


def test_a_registered_kind_can_be_used_in_a_description(loop: type[Any]) -> None:
    assert kinds("memory") == tuple(sorted({"loop", *registry.BUILTIN["memory"]}))
    assert params_class("memory", "loop") is LoopParams
    assert component_class("memory", "loop") is loop
    spec = load_spec(_with_loop({"kind": "loop", "hold_time": "3 ns"}))
    assert spec.memory == LoopParams(kind="loop", hold_time="3 ns")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r"memory\.hold_tim: unknown key. Hint: did you mean"):
        load_spec(_with_loop({"kind": "loop", "hold_tim": "3 ns"}))


def test_registering_the_same_class_twice_is_no_clash(loop: type[Any]) -> None:
    register("memory", loop)


def test_a_name_that_is_taken_names_both_owners(loop: type[Any]) -> None:
    other: type[Any] = OtherLoop
    with pytest.raises(ValueError, match=r"memory\.loop is claimed by .*\.Loop and by .*OtherLoop"):
        register("memory", other)
    with pytest.raises(ValueError, match="unknown part 'memmory'"):
        register("memmory", loop)


#: Folder of each family in pnnsim.devices.
FOLDERS = {
    "front_end": "front_ends",
    "encoder": "encoders",
    "switch": "switches",
    "weight_banks": "weight_banks",
    "detector": "detectors",
    "nonlinearity": "nonlinearities",
    "memory": "memories",
    "readout": "readouts",
}


@pytest.mark.parametrize(
    ("part", "kind"), [(part, kind) for part, table in registry.BUILTIN.items() for kind in table]
)
def test_a_kind_lies_in_the_folder_of_its_family_beside_its_description(
    part: str, kind: str
) -> None:
    params, component = (place.partition(":")[0] for place in registry.BUILTIN[part][kind])
    assert component.startswith(f"{FOLDERS[part]}."), component
    assert params == f"{component}_params"


def test_a_built_in_name_cannot_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(Loop, "kind", "sample_hold")
    component: type[Any] = Loop
    with pytest.raises(ValueError, match=r"memory\.sample_hold is claimed by pnnsim and by"):
        register("memory", component)


class _Point:
    """Stand in for an installed entry point."""

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def load(self) -> type[Any]:
        return Loop


@pytest.mark.parametrize("claims", [1, 2])
def test_an_entry_point_is_found_by_its_exact_name_and_two_of_a_name_clash(
    claims: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    points = [_Point("memory.loop", f"package{i}:Loop") for i in range(claims)]

    def entry_points(group: str, name: str | None = None) -> list[_Point]:
        assert group == "pnnsim.components"
        return [point for point in points if name in (None, point.name)]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    request.addfinalizer(registry._installed.cache_clear)
    registry._installed.cache_clear()
    assert "loop" in kinds("memory")
    assert params_class("memory", "loo") is None
    if claims == 1:
        assert params_class("memory", "loop") is LoopParams
    else:
        with pytest.raises(ValueError, match=r"claimed by package0:Loop and package1:Loop"):
            params_class("memory", "loop")


def test_installed_packages_are_looked_at_once_however_many_machines_are_loaded() -> None:
    code = (
        "import importlib.metadata as metadata\n"
        "seen, original = [], metadata.entry_points\n"
        "metadata.entry_points = lambda **named: seen.append(named) or original(**named)\n"
        "from pnnsim.specs.catalog import kinds_of_parts\n"
        "from pnnsim.specs.json_schema import hardware_schema\n"
        "from pnnsim.specs.hardware import available_specs, load_spec\n"
        "[load_spec(name) for name in available_specs()]\n"
        "hardware_schema(), kinds_of_parts()\n"
        "print(sum(named == {'group': 'pnnsim.components'} for named in seen))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1"]


def test_descriptions_need_no_torch() -> None:
    code = (
        "import sys\nfrom pnnsim.devices.registry import *\n"
        "[params_class(p, k) for p in parts() for k in kinds(p)]\n"
        "sys.exit('torch' in sys.modules or 'simpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_forms_look_through_optional_and_annotated_fields() -> None:
    mrr = params_class("weight_banks", "mrr")
    assert mrr is not None
    assert dimension_of(mrr, "settling_time") == "time"
    assert dimension_of(mrr, "count") is None
    assert forms_of(mrr, "excess_loss")[0].bounds == {"ge": 0, "le": 60}
    assert forms_of(mrr, "settling_time")[0].bounds == {"gt": 0}
    assert parts()[0] == "front_end"


def _with_loop(memory: dict[str, str]) -> dict[str, Any]:
    import yaml

    return {**yaml.safe_load(MACHINE), "memory": memory}

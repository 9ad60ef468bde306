"""Every kind of every part keeps the laws of `pnnsim.testing`, as does every shipped machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pnnsim.devices.builtin_kinds import BUILTIN
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import params_class, parts
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs
from pnnsim.testing import ACTIONS, check_component
from pnnsim.testing.declared import DECLARED_LAWS
from pnnsim.testing.trial import Trial

KINDS = Path(__file__).parent / "kinds.yaml"

SHIPPED = {
    (name, part): getattr(load_spec(name), part) for name in available_specs() for part in parts()
}


def descriptions(part: str, kind: str) -> list[Params]:
    """Return the descriptions of a kind in shipped machines, and that written for tests."""
    shipped = [p for (_, owner), p in SHIPPED.items() if owner == part and p.kind == kind]
    written: dict[str, dict[str, Any]] = yaml.load(KINDS.read_text("utf-8"), yaml.BaseLoader)
    name = f"{part}.{kind}"
    if name in written:
        model = params_class(part, kind)
        assert model is not None
        shipped.append(model.model_validate({"kind": kind, **written[name]}))
    if not shipped:
        pytest.fail(f"{name} is in no shipped machine; expected a description in {KINDS.name}")
    return shipped


@pytest.mark.parametrize(
    ("part", "kind"), [(part, kind) for part, table in BUILTIN.items() for kind in table]
)
def test_every_kind_keeps_the_laws(part: str, kind: str) -> None:
    for params in descriptions(part, kind):
        check_component(part, kind, params)


@pytest.mark.parametrize("name", available_specs())
def test_shipped_machines_know_their_actions_also_at_full_size_and_at_one_line(name: str) -> None:
    spec = load_spec(name)
    for hidden, sets in ((64, 2), (1, 1)):
        chip = Chip.nominal(spec, ReLaXNet(hidden=hidden, weight_sets=sets, steps=2))
        # A refresh is a write at another time, and to digitize is to convert on the way.
        known = {(p, a) for p, actions in ACTIONS.items() for a in actions}
        assert set(chip.prices().dynamic) == known | {
            ("weight_banks", "refresh"),
            ("readout", "digitize"),
        }
        for part, component in chip.components.items():
            trial = Trial(part, component.kind, component)
            trial.run(DECLARED_LAWS)


def test_descriptions_for_tests_are_of_kinds_that_exist() -> None:
    written = yaml.load(KINDS.read_text("utf-8"), yaml.BaseLoader)
    assert set(written) <= {f"{part}.{kind}" for part, table in BUILTIN.items() for kind in table}

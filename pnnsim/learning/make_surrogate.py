"""Make the surrogate that a learning rule trains."""

from __future__ import annotations

from collections.abc import Iterable

from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.settings import TrainingParams


def make_surrogate(network: ReLaXNet, spec: HardwareSpec, training: TrainingParams) -> Surrogate:
    """Return a surrogate that sees of the machine what the settings say.

    Args:
        network: What is to be computed.
        spec: Machine.
        training: Settings; `hardware_aware` draws the non-idealities that they name.

    Raises:
        ParameterError: If the machine has no non-ideality of such a name.
        MappingError: If the network does not fit the machine.
    """
    chip = Chip.nominal(spec, network)
    drawn: Iterable[str] = ()
    if training.rule != "backprop":
        named = training.non_idealities
        drawn = chip.non_idealities if named == "all" else named
    return Surrogate(
        network,
        chip,
        seed=training.seed,
        state_scale=training.state_scale,
        drawn=drawn,
        redraw=training.redraw,
    )

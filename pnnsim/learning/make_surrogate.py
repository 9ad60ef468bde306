"""Make the surrogate that a learning rule trains."""

from __future__ import annotations

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
    surrogate = Surrogate(network, spec, seed=training.seed, state_scale=training.state_scale)
    if training.rule == "backprop":
        return surrogate
    return Surrogate(
        network,
        spec,
        seed=training.seed,
        state_scale=training.state_scale,
        drawn=surrogate.chip.non_idealities
        if training.non_idealities == "all"
        else training.non_idealities,
        redraw=training.redraw,
    )

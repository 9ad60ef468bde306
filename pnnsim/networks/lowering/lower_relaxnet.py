"""ReLaX-Net as a workload: input map, one use of a matrix for each step, output map.

Names of parameters are those of a `ParameterSet`, with the number of the set behind a dot where
there are several: `input_weight`, `weight.0`, `gain.0`, `bias.0`, `output_weight`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.workload import MACHINE, Value, Workload

if TYPE_CHECKING:
    from pnnsim.networks.relaxnet import ReLaXNet


@lru_cache(maxsize=16)
def lower_relaxnet(network: ReLaXNet) -> Workload:
    """Return the workload of a ReLaX-Net.

    Where x is injected in each step, h[0] is a constant, which the last state of the sample before
    replaces if the network is stateful.
    """
    builder = WorkloadBuilder(Value((network.inputs,)))
    first = network.injection == "first"
    mapped = _input(builder, network)
    drive = None if first else mapped
    state = mapped if first else builder.digital("constant", shape=(network.hidden,))
    start = state
    # A set has its own number, whichever is used first.
    sets = [
        builder.matrix(f"weight.{number}", network.hidden, network.hidden)
        for number in range(network.weight_sets)
    ]
    for number in network.weight_set_order():
        state = builder.mvm(
            sets[number],
            state,
            bias=f"bias.{number}",
            gain=f"gain.{number}",
            scalar_gain=network.gains == "set",
            activation=MACHINE,
            inject=drive,
            residual=(state, network.residual) if network.residual else None,
        )
    if network.stateful:
        builder.carry(state, start)
    return builder.build(_output(builder, network, state))


def _input(builder: WorkloadBuilder, network: ReLaXNet) -> int:
    """Add the input map, and return the value that it makes: h[0], or what is injected.

    A relu follows on the digital engine where the map makes h[0] there.
    """
    first = network.injection == "first"
    if network.input_map == "none":
        return 0
    if network.input_map == "banks":
        matrix = builder.matrix("input_weight", network.hidden, network.inputs)
        return builder.mvm(matrix, 0, bias="input_bias" if first else None)
    weight = builder.parameter("input_weight", (network.hidden, network.inputs))
    if not first:
        return builder.digital("linear_digital", 0, parameters=(weight,))
    bias = builder.parameter("input_bias", (network.hidden,))
    return builder.digital("linear_digital", 0, parameters=(weight, bias), activation="relu")


def _output(builder: WorkloadBuilder, network: ReLaXNet, state: int) -> int:
    """Add the output map, and return the value that it makes.

    Args:
        builder: Workload so far.
        network: Network.
        state: The last state.
    """
    if network.output_map == "none":
        return state
    if network.output_map == "banks":
        matrix = builder.matrix("output_weight", network.outputs, network.hidden)
        return builder.mvm(matrix, state, bias="output_bias")
    weight = builder.parameter("output_weight", (network.outputs, network.hidden))
    bias = builder.parameter("output_bias", (network.outputs,))
    return builder.digital("linear_digital", state, parameters=(weight, bias))

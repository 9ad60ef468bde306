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
    weight = builder.parameter("input_weight", (network.hidden, network.inputs))
    if network.injection == "first":
        bias = builder.parameter("input_bias", (network.hidden,))
        drive = None
        state = builder.digital("linear_digital", 0, parameters=(weight, bias), activation="relu")
    else:
        drive = builder.digital("linear_digital", 0, parameters=(weight,))
        state = builder.digital("constant", shape=(network.hidden,))
    start = state
    for number in network.weight_set_order():
        state = builder.mvm(
            builder.matrix(f"weight.{number}", network.hidden, network.hidden),
            state,
            bias=f"bias.{number}",
            gain=f"gain.{number}",
            scalar_gain=True,
            activation=MACHINE,
            inject=drive,
            residual=(state, network.residual) if network.residual else None,
        )
    if network.stateful:
        builder.carry(state, start)
    weight = builder.parameter("output_weight", (network.outputs, network.hidden))
    bias = builder.parameter("output_bias", (network.outputs,))
    return builder.build(builder.digital("linear_digital", state, parameters=(weight, bias)))

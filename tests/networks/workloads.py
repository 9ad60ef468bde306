"""A workload with everything that one can have, for tests."""

from __future__ import annotations

from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.workload import Gather, Value, Workload


def example() -> Workload:
    """Return a workload with every kind of part."""
    builder = WorkloadBuilder(Value((2, 5, 5)))
    conv = builder.matrix("conv", 4, 18, groups=2)
    x = builder.mvm(
        conv,
        0,
        gather=Gather((3, 3), (2, 2), (1, 1)),
        bias="conv.bias",
        activation="relu",
        barrier=True,
    )
    x = builder.digital("max_pool", x, kernel=(2, 2), stride=(1, 1))
    x = builder.digital("flatten", x)
    start = builder.digital("constant", shape=(6,))
    weight = builder.parameter("map", (6, 16))
    drive = builder.digital("linear_digital", x, parameters=(weight,))
    loop = builder.matrix("loop", 6, 6)
    state = start
    for _ in range(2):
        state = builder.mvm(
            loop,
            state,
            gain="gain",
            scalar_gain=True,
            activation="machine",
            inject=drive,
            residual=(state, 0.5),
        )
    builder.carry(state, start, initial=0.25)
    return builder.build(state)

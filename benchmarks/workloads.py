"""Measure how planning, timing and values of any workload grow with tiles, vectors and samples.

    python -m benchmarks.workloads            # all tables, some minutes
    python -m benchmarks.workloads --small    # sizes for a check that it works, seconds

Times are those of the processor, so that other work on the computer does not count.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import torch

from benchmarks.timing import circumstances, table
from pnnsim import Surrogate, Workload, load_spec, simulate
from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.folding import MatrixShape
from pnnsim.mapping.products import passage_of
from pnnsim.mapping.tiling import map_matrices
from pnnsim.mapping.work import Work
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.initial import uniform_weights
from pnnsim.networks.parts import Gather, Value
from pnnsim.specs.control import ControlParams
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_fast, run_timing

Result = TypeVar("Result")

#: Banks of the machine, rows and columns.
SIDE = 64
_ENCODE = Stage("encoder", "encode", 200)
_DELAYS = Delays(
    input=(Stage("front_end", "map_input", 1000),),
    encode=(_ENCODE,),
    enter=(Stage("encoder.dac", "convert", 100), _ENCODE),
    propagate_fs=100, mvm_fs=100, detect_fs=300, activate_fs=200, hold_fs=100,
    output=(Stage("front_end", "map_output", 500),),
    route_fs=900, write_fs=5000, digitize_fs=300,
)  # fmt: skip
#: Tiles and samples of whole simulations, small ones first: memory is the most so far.
VALUES = [(4, 1000), (4, 10_000), (4, 100_000), (256, 4), (1024, 4), (4096, 4)]
_HEAD = (
    "tiles", "banks", "vectors", "samples", "spans", "simulated", "plan [s]", "time [s]",
    "check [s]", "most memory [MiB]",
)  # fmt: skip


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    small = parser.parse_args().small
    print(circumstances())
    tiles([4, 8] if small else [256, 1024, 4096])
    vectors([2, 4] if small else [10, 100, 1000])
    samples([50] if small else [1000, 10_000, 100_000])
    residual_network(1 if small else 8)
    values([(4, 20)] if small else VALUES)


def tiles(counts: list[int]) -> None:
    """Show a chain of one tile after the other: all resident, and on a quarter of the banks."""
    rows = [row(chain(count), count // part, 4) for count in counts for part in (1, 4)]
    table("Tiles: matrices of one tile, every value a number, 4 samples", _HEAD, rows)


def vectors(sides: list[int]) -> None:
    """Show a convolution over maps of growing size: vectors are counted, not simulated."""
    rows = [row(convolution(side), 4, 100) for side in sides]
    table("Vectors: one convolution, 100 samples", _HEAD, rows)


def samples(counts: list[int]) -> None:
    """Show two layers and growing numbers of samples, continued by arithmetic and simulated."""
    for name, run in (("continued by arithmetic", run_fast), ("each simulated", run_timing)):
        rows = [row(chain(2), 2, count, run) for count in counts]
        table(f"Samples: two tiles, {name}", _HEAD, rows)


def residual_network(count: int) -> None:
    """Show ResNet-18 at 32 x 32 on 64 banks."""
    table("ResNet-18 at 32 x 32, 1000 classes", _HEAD, [row(resnet18(), 64, count)])


def values(sizes: list[tuple[int, int]]) -> None:
    """Show whole simulations of one chip, outputs included: one matrix on 64 banks."""
    rows = []
    settings = [("weight_banks.count", "64"), ("control.block", "4"), ("memory.capacity", "4")]
    for count, samples in sizes:
        workload = square(count)
        network = GivenNetwork(workload, uniform_weights(workload, "benchmark", 0))
        spec = load_spec("photonic_pcm", settings)
        surrogate = Surrogate(network, spec, dtype=torch.float32)
        x, y = torch.rand(samples, workload.values[0].size), torch.zeros(samples, dtype=torch.long)
        seconds, result = measured(
            lambda s=surrogate, x=x, y=y: simulate(s.chip, s, x, y, chips=1)  # type: ignore[misc]
        )
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        writes = result.metrics["counts"].get("weight_banks.write", 0)
        rows.append((count, samples, writes, f"{seconds:.1f}", round(most)))
    head = ("tiles", "samples", "writes", "time [s]", "most memory so far [MiB]")
    table("Values: one chip of photonic_pcm with 64 banks, blocks of 4", head, rows)


def row(
    workload: Workload, banks: int, count: int, run: Callable[[Work, int], AnyTrace] = run_fast
) -> tuple[object, ...]:
    """Return the figures of one run.

    Args:
        workload: What is computed.
        banks: Banks of the machine.
        count: Samples.
        run: The way of timing.
    """
    planning, work = measured(lambda: planned(workload, banks))
    timing, trace = measured(lambda: run(work, count))
    # Longer runs are checked by samples of them.
    short = len(trace) <= 10**6
    checking = f"{measured(lambda: trace.check(work))[0]:.2f}" if short else "-"
    tracemalloc.start()
    run(planned(workload, banks), count)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    steps = [n for n in range(len(workload.steps)) if workload.vectors(n)]
    return (
        work.mapping.matrices, banks, sum(map(workload.vectors, steps)), count, len(trace),
        len(trace.base), f"{planning:.2f}", f"{timing:.2f}", checking, round(most / 2**20),
    )  # fmt: skip


def planned(workload: Workload, banks: int) -> Work:
    """Return the work of a workload on a machine of round delays."""
    shapes = [MatrixShape(m.outputs, m.inputs, m.groups) for m in workload.matrices]
    mapping = map_matrices(shapes, count=banks, rows=SIDE, cols=SIDE)
    products = passage_of(workload, mapping).products
    order = tuple(product.content for product in products)
    jobs = tuple(10 * product.operations for product in products)
    return Work(_DELAYS, order, mapping, ControlParams(), 1, products=products, jobs_fs=jobs)


def measured(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return processor time [s] and result."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def chain(length: int) -> Workload:
    """Return matrices of one tile each, one behind the other."""
    builder, value = WorkloadBuilder(Value((SIDE,))), 0
    for number in range(length):
        value = builder.mvm(builder.matrix(f"w{number}", SIDE, SIDE), value, activation="relu")
    return builder.build(value)


def square(tiles: int) -> Workload:
    """Return one matrix of as many tiles down as across."""
    side = SIDE * math.isqrt(tiles)
    builder = WorkloadBuilder(Value((side,)))
    return builder.build(builder.mvm(builder.matrix("w", side, side), 0, activation="relu"))


def convolution(side: int) -> Workload:
    """Return a convolution with a vector for each place of a square map."""
    builder = WorkloadBuilder(Value((4, side, side)))
    number = builder.matrix("conv", SIDE, 36)
    return builder.build(
        builder.mvm(number, 0, gather=Gather((3, 3), padding=(1, 1)), activation="relu")
    )


def resnet18(classes: int = 1000) -> Workload:
    """Return ResNet-18 for images of 32 x 32: 2,855 tiles of 64 x 64 with 1,000 classes.

    Reference: He, Zhang, Ren and Sun, CVPR 2016, table 1.
    """
    builder = WorkloadBuilder(Value((3, 32, 32)))

    def convolve(
        name: str, source: int, outputs: int, kernel: int, stride: int = 1, *, relu: bool = True
    ) -> int:
        inputs = builder.value(source).shape[0] * kernel * kernel
        pad = kernel // 2
        return builder.mvm(
            builder.matrix(name, outputs, inputs),
            source,
            gather=Gather((kernel, kernel), (stride, stride), (pad, pad)),
            bias=f"{name}.shift",
            gain=f"{name}.gain",
            activation="relu" if relu else None,
        )

    value = convolve("conv1", 0, 64, 7, 2)
    value = builder.digital("max_pool", value, kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    for layer, width in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and not block else 1
            inner = convolve(f"{name}.conv1", value, width, 3, stride)
            made = convolve(f"{name}.conv2", inner, width, 3, relu=False)
            if stride > 1:
                value = convolve(f"{name}.downsample", value, width, 1, stride, relu=False)
            value = builder.digital("relu", builder.digital("add", made, value))
    value = builder.digital("flatten", value)
    fc = builder.matrix("fc", classes, 512)
    return builder.build(builder.mvm(fc, value, bias="fc.bias"))


if __name__ == "__main__":
    main()

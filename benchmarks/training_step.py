"""Time a training step of the surrogate against a hand-written torch loop of the same network.

    python -m benchmarks.training_step [--batch 64] [--rounds 12]

A step is forward, loss, backward, clipping and AdamW. The hand-written loop computes what the
surrogate of `photonic_mrr` computes with every non-ideality off. Processor time is compared, not
wall time, and the first quartile counts: other work on the computer then matters least.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pnnsim import HardwareSpec, ReLaXNet, Surrogate, load_spec

NETWORK = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
#: Most that a step may take over the hand-written one, and evaluations for which a chip stays.
LIMITS = {"off": 1.5, "all": 4.0}
REDRAW = 16

Forward = Callable[[Tensor], Tensor]


def hand_written(surrogate: Surrogate) -> Forward:
    """Return the same forward pass as plain torch, on the same parameters."""
    order = surrogate.network.weight_set_order()

    def forward(x: Tensor) -> Tensor:
        state = torch.relu(x @ surrogate.input_weight.T + surrogate.input_bias)
        weight = surrogate.weight.clamp(-1.0, 1.0)
        for k in order:
            value = surrogate.gain[k] * (state.clamp(0.0, 1.0) @ weight[k].T) + surrogate.bias[k]
            # The modulator at quadrature, driven by half of v_pi each way.
            state = torch.cos(value.clamp(-1.0, 1.0) * (math.pi / 4) - math.pi / 4) ** 2
        return state @ surrogate.output_weight.T + surrogate.output_bias

    return forward


class Stepper:
    """Train on one batch, again and again, and time it."""

    def __init__(self, forward: Forward, surrogate: Surrogate, batch: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self._forward = forward
        self._surrogate = surrogate
        self._x = torch.rand((batch, surrogate.network.inputs), generator=generator)
        self._y = torch.randint(0, surrogate.network.outputs, (batch,), generator=generator)
        self._optimizer = torch.optim.AdamW(surrogate.parameters(), lr=1e-4)

    def time(self, steps: int) -> float:
        """Return the mean processor time of some steps [s]."""
        begin = time.process_time()
        for _ in range(steps):
            loss = torch.nn.functional.cross_entropy(self._forward(self._x), self._y)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._surrogate.parameters(), 1.0)
            self._optimizer.step()
        return (time.process_time() - begin) / steps


def measure(spec: HardwareSpec, *, batch: int, rounds: int) -> dict[str, float]:
    """Return the time of a step by hand, with non-idealities off, known ones, and all [s].

    They take turns, a chip's stay each, so that whatever else the computer does meets all alike.
    """
    plain = Surrogate(NETWORK, spec, non_idealities=())
    known = Surrogate(NETWORK, spec)
    everything = Surrogate(NETWORK, spec, drawn=plain.chip.non_idealities, redraw=REDRAW)
    steppers = {
        "by hand": Stepper(hand_written(plain), plain, batch),
        "off": Stepper(plain, plain, batch),
        "known": Stepper(known, known, batch),
        "all": Stepper(everything, everything, batch),
    }
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds):
        for name, stepper in steppers.items():
            times[name].append(stepper.time(REDRAW))
    return {name: sorted(found)[len(found) // 4] for name, found in times.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = measure(load_spec("photonic_mrr"), batch=given.batch, rounds=given.rounds)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}")
    print(f"N = {NETWORK.hidden}, {NETWORK.steps} steps, batch {given.batch}, one thread")
    for name, seconds in found.items():
        ratio = seconds / found["by hand"]
        limit = f"  limit {LIMITS[name]}" if name in LIMITS else ""
        print(f"{name:>8}  {1e3 * seconds:7.2f} ms  {ratio:5.2f} x{limit}")


if __name__ == "__main__":
    main()

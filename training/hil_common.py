"""What the recipes with a machine in the loop share: machines, surrogates, parts of data."""

from __future__ import annotations

import torch

from pnnsim import Data, HardwareSpec, ReLaXNet, Surrogate, load_spec
from pnnsim.hil import Bench, SimulatedBackend
from pnnsim.learning import Labelled
from pnnsim.learning.rules import Rule, Settings, train

#: Seed of the chips; that of the training is the recipe's.
CHIP_SEED = 2026

#: A process corner for each machine, on which weights that were trained elsewhere lose accuracy.
CORNERS: dict[str, tuple[tuple[str, str], ...]] = {
    # The upper end of what is published for open loop, 5 bit.
    "photonic_mrr": (("weight_banks.resonance_error", "3.1 pm"),),
    # Beyond the range of the description: a lot whose barriers vary twice as much as at its end.
    "spintronic_mtj": (("weight_banks.resistance_spread", "20 %"),),
}


def network_of(data: Data, *, quick: bool) -> ReLaXNet:
    """Return the network of the recipes: two weight sets, used in turn.

    Args:
        data: Examples of the task, images.
        quick: Whether the network is small.
    """
    inputs = data.pixels().shape[1]
    return ReLaXNet(inputs=inputs, outputs=10, hidden=16 if quick else 64, steps=3 if quick else 12)


def corner(machine: str, *, quick: bool) -> HardwareSpec:
    """Return a machine at its process corner; the quick size has small banks.

    Args:
        machine: Name of the description, a key of `CORNERS`.
        quick: Whether its banks are small.
    """
    small = [("weight_banks.rows", "16"), ("weight_banks.cols", "16")] if quick else []
    return load_spec(machine, [*CORNERS[machine], *small])


def part(examples: Labelled, count: int) -> Labelled:
    """Return the first examples.

    Args:
        examples: All of them.
        count: How many are wanted.
    """
    return Labelled(examples.x[:count], examples.y[:count])


def bench(spec: HardwareSpec, network: ReLaXNet, index: int) -> Bench:
    """Return a chip on the bench.

    Args:
        spec: Machine.
        network: What it computes.
        index: Number of the chip.
    """
    return Bench(SimulatedBackend(spec, network, seed=CHIP_SEED, index=index))


def surrogate_of(network: ReLaXNet, spec: HardwareSpec, x: torch.Tensor, seed: int) -> Surrogate:
    """Return a surrogate with first weights.

    Args:
        network: What it computes.
        spec: Machine.
        x: Training inputs, shape `(batch, n_inputs)`.
        seed: Seed of the first weights.
    """
    surrogate = Surrogate(network, spec, seed=seed)
    surrogate.standardize(x)
    return surrogate


def trained(
    rule: Rule, spec: HardwareSpec, network: ReLaXNet, examples: Labelled, settings: Settings
) -> Surrogate:
    """Return a surrogate that was trained by a rule which does not use the machine.

    Args:
        rule: Rule that trains a model.
        spec: Machine.
        network: What it computes.
        examples: What to learn from.
        settings: Length and step size.
    """
    surrogate = surrogate_of(network, spec, examples.x, settings.seed)
    train(rule, bench(spec, network, 0), surrogate, examples, settings)
    return surrogate


def copy_of(surrogate: Surrogate) -> Surrogate:
    """Return a surrogate of its own with the same parameters, which draws nothing."""
    copy = Surrogate(surrogate.network, surrogate.spec, state_scale=surrogate.state_scale)
    copy.load_state_dict(surrogate.state_dict())
    return copy

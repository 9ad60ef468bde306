"""Differentiable surrogate of a machine, a module that any torch loop trains.

It calls the evaluator of the simulator with nominal banks and nominal times, or with banks and
noise that are drawn while it trains. It contains no physics of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.bank_models import BankModel, NominalBanks
from pnnsim.inference.chip import Chip, nominal_chip
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.inference.evaluator import evaluate, evaluate_streams
from pnnsim.inference.inputs import as_inputs, as_sequences
from pnnsim.inference.switched_banks import NoiseContext
from pnnsim.inference.working_point import working_point
from pnnsim.inference.workload_surrogate import (
    WorkloadSurrogate,
    draw_on,
    drawn_so_far,
    refuse_unknown,
)
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.relaxnet_parameters import initial
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.settings import REDRAW

#: Least spread of an input that is standardized, over the spread of all: constant pixels stay calm.
_LEAST_SPREAD = 0.1


class Surrogate(nn.Module):
    """Differentiable surrogate of a machine that runs a network.

    The parameters are those of a `ParameterSet` in the units of training, which `standardize` and
    `state_scale` make convenient for an optimizer; `parameter_set` converts them to the machine's.

    Args:
        network: What is to be computed.
        spec: Machine that will compute it, or its nominal chip for this network.
        seed: Seed of the first weights and of what is drawn.
        non_idealities: Names of those that training accounts for; by default all that are the same
            on every chip (`Chip.deterministic`).
        drawn: Names of those that are drawn in training mode (`train()`, as dropout is), in
            addition; `Chip.non_idealities` has them all. None by default.
        redraw: Evaluations for which a drawn chip stays, by default as in a file; reading noise is
            always fresh.
        state_scale: State on the machine over the state in the units of training. An activation
            without an upper end, such as relu, gives the same network at every scale; a small
            one keeps the state within the lines.
        dtype: Type of the parameters.
    """

    input_weight: nn.Parameter
    input_bias: nn.Parameter
    weight: nn.Parameter
    gain: nn.Parameter
    bias: nn.Parameter
    output_weight: nn.Parameter
    output_bias: nn.Parameter
    input_center: Tensor
    input_scale: Tensor

    #: Names of the parameters that banks hold.
    matrices = frozenset({"weight"})

    def __new__(cls, network: Any = None, *args: Any, **settings: Any) -> Any:
        """Return the surrogate of a network: this one of a ReLaX-Net, or that of a workload."""
        known = isinstance(network, ReLaXNet) and network.digital_maps
        if network is not None and not known:
            return WorkloadSurrogate(network, *args, **settings)
        return super().__new__(cls)

    # Parameters are ordinary tensors, which learn, wherever they are made.
    @torch.inference_mode(False)
    def __init__(
        self,
        network: ReLaXNet,
        spec: HardwareSpec | Chip,
        *,
        seed: int = 0,
        non_idealities: Iterable[str] | None = None,
        drawn: Iterable[str] = (),
        redraw: int = REDRAW,
        state_scale: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.chip = nominal_chip(spec, network)
        self.network = network
        self.spec = self.chip.spec
        self.state_scale = state_scale
        known = self.chip.deterministic if non_idealities is None else frozenset(non_idealities)
        drawn = frozenset(drawn)
        refuse_unknown(known | drawn, self.chip)
        self.draws = (
            ChipSampler(self.chip, known, drawn, seed=seed, redraw=redraw) if drawn else None
        )
        #: Non-idealities that training accounts for without drawing any.
        self.known = known
        self.accesses = nominal_accesses(self.chip.order, self.chip.mapping, self.chip.policy)
        point = working_point(
            self.chip, active=known, residual=network.residual, state_scale=state_scale
        )
        first = initial(network, seed, point=point)
        for name, value in first.items():
            setattr(self, name, nn.Parameter(value.to(dtype)))
        for name, kind in (("input", network.input_map), ("output", network.output_map)):
            if kind == "fixed":
                self.get_parameter(f"{name}_weight").requires_grad_(False)
                self.get_parameter(f"{name}_bias").requires_grad_(False)
        self.register_buffer("input_center", torch.zeros(network.inputs, dtype=dtype))
        self.register_buffer("input_scale", torch.ones(network.inputs, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs.

        Args:
            x: Inputs, shape `(batch, n_inputs)`, or images of that many values; of a stateful
                network, `(batch, length, n_inputs)`: sequences, before which the state is 0.

        Returns:
            Outputs, `(batch, n_outputs)`; of sequences, `(batch, length, n_outputs)`.

        Raises:
            InputError: If the inputs are not numbers of such a shape. Whether they are finite is
                not checked here, as that would make a device wait in each step of training.
        """
        if torch.is_inference_mode_enabled():
            # What is kept for later evaluations, such as drawn chips, must serve training, too.
            with torch.inference_mode(False), torch.no_grad():
                return self.forward(x)
        live = self.live()
        banks, noise = self._circumstances(live.weight)
        if not self.network.stateful:
            rows = as_inputs(x, self.network.inputs, self.weight, finite=False)
            return evaluate(banks, live, rows, self.accesses, noise)
        x = as_sequences(x, self.network.inputs, self.weight)
        # The streams take turns: all first samples, then all second ones.
        turns = x.transpose(0, 1)
        before = x.new_zeros(len(x), self.network.hidden)
        flat = turns.reshape(-1, x.shape[-1])
        outputs, _ = evaluate_streams(banks, live, flat, self.accesses, noise, before)
        return outputs.reshape(*turns.shape[:2], -1).transpose(0, 1)

    def _circumstances(self, weight: Tensor) -> tuple[BankModel, NoiseContext]:
        """Return banks and noise of the next evaluation: drawn in training mode, or nominal."""
        if self.training and self.draws is not None:
            return self.draws.sample(weight)
        return NominalBanks(self.chip, weight, self.known), NoiseContext(self.known)

    @torch.no_grad()
    def standardize(self, x: Tensor) -> None:
        """Train as if each input had mean 0 and variance 1.

        The machine still gets inputs as they are: means and spreads become part of the input map
        and of the biases. Without this the mean of all pixels is one stiff direction, along which
        an optimizer spends its steps (LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998).

        Args:
            x: Training inputs, shape `(batch, n_inputs)`, or images of that many values.

        Raises:
            InputError: If they are not finite numbers of such a shape.
        """
        x = as_inputs(x, self.network.inputs, self.input_scale)
        spread, center = torch.std_mean(x, dim=0, correction=0)
        # The spread of all inputs as one population: within each, and between their means.
        overall = (spread.square().mean() + center.var(correction=0)).sqrt()
        self.input_center.copy_(center)
        self.input_scale.copy_(spread.clamp(min=max(_LEAST_SPREAD * float(overall), 1e-12)))

    @torch.inference_mode(False)
    def parameter_set(self) -> ParameterSet:
        """Return a detached copy of the parameters as they would be written to a machine."""
        tensors = {name: t.detach().clone() for name, t in self.live().tensors().items()}
        tensors["weight"] = tensors["weight"].clamp(-1.0, 1.0)
        return ParameterSet(self.network, **tensors, spec_sha256=self.spec.sha256())

    @torch.no_grad()
    def load_parameter_set(self, parameters: ParameterSet, *, any_machine: bool = False) -> None:
        """Take over trained numbers.

        Args:
            parameters: Of this network.
            any_machine: Accept numbers that were trained for another machine.

        Raises:
            ParameterError: If they are not those of this network or of this machine.
        """
        parameters.check(self.network)
        parameters.check_machine(self.spec.sha256(), self.spec.name, any_machine=any_machine)
        given = {name: t.to(self.weight) for name, t in parameters.tensors().items()}
        offset = given["input_weight"] @ self.input_center
        scale = self.state_scale
        shifted = "input_bias" if self.network.injection == "first" else "bias"
        given[shifted] = given[shifted] + offset
        given["input_weight"] = given["input_weight"] * self.input_scale / scale
        given["input_bias"] = given["input_bias"] / scale
        given["bias"] = given["bias"] / scale
        given["output_weight"] = given["output_weight"] * scale
        for name, value in given.items():
            self.get_parameter(name).copy_(value)

    def get_extra_state(self) -> Tensor:
        """Return how many chips and evaluations have been drawn, int64, shape `(2,)`."""
        return drawn_so_far(self.draws)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on with the draws that follow as many; the next evaluation meets a new chip."""
        draw_on(self.draws, state)

    def live(self) -> ParameterSet:
        """Return the parameters in the machine's units; gradients flow through."""
        live: dict[str, Tensor] = {
            "input_weight": self.input_weight,
            "input_bias": self.input_bias,
            "weight": self.weight,
            "gain": self.gain,
            "bias": self.bias,
            "output_weight": self.output_weight,
            "output_bias": self.output_bias,
        }
        scale = self.state_scale
        live["input_weight"] = live["input_weight"] * (scale / self.input_scale)
        offset = live["input_weight"] @ self.input_center
        if scale != 1.0:
            live["input_bias"] = live["input_bias"] * scale
            live["bias"] = live["bias"] * scale
            live["output_weight"] = live["output_weight"] / scale
        shifted = "input_bias" if self.network.injection == "first" else "bias"
        live[shifted] = live[shifted] - offset
        return ParameterSet(self.network, **live, spec_sha256="")

"""Differentiable surrogate of a machine that runs a network given by its workload.

As that of a ReLaX-Net it calls the evaluator of the simulator, and contains no physics of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn

from pnnsim.common.units import show
from pnnsim.devices.base import Active
from pnnsim.errors import ParameterError
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.bank_models import BankModel, NominalBanks
from pnnsim.inference.calibration import calibrated_ranges
from pnnsim.inference.chip import Chip, nominal_chip
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.inference.inputs import as_values
from pnnsim.inference.ranges import QUANTILE, BatchRanges, Ranges
from pnnsim.inference.switched_banks import NoiseContext
from pnnsim.inference.working_point import working_point
from pnnsim.inference.workload_evaluator import evaluate_workload
from pnnsim.inference.written_matrices import written_matrices
from pnnsim.networks.network_parameters import NetworkParameters
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.settings import REDRAW


@final
class WorkloadSurrogate(nn.Module):
    """Differentiable surrogate of a machine that runs any network.

    Parameters have the names of the workload, a dot written as `/`, and start from the weights that
    the network brings. Ranges of lines and converters follow each batch in training mode, and
    otherwise until `calibrate` fixes them on data.

    Args:
        network: What is to be computed.
        spec: Machine that will compute it, or its nominal chip for this network.
        seed: Seed of first weights, where the network brings none, and of what is drawn.
        non_idealities: As for `Surrogate`.
        drawn: As for `Surrogate`.
        redraw: As for `Surrogate`.
        ideal: Whether every non-ideality is off and nothing leaves its range.
        dtype: Type of the parameters; that of the network's weights where not given.
    """

    @torch.inference_mode(False)
    def __init__(
        self,
        network: Network,
        spec: HardwareSpec | Chip,
        *,
        seed: int = 0,
        non_idealities: Iterable[str] | None = None,
        drawn: Iterable[str] = (),
        redraw: int = REDRAW,
        ideal: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.chip = nominal_chip(spec, network)
        self.network = network
        self.spec = self.chip.spec
        self.ideal = ideal
        known = self.chip.deterministic if non_idealities is None else frozenset(non_idealities)
        drawn = frozenset(drawn)
        refuse_unknown(known | drawn, self.chip)
        if ideal and (drawn or non_idealities):
            raise ParameterError(
                "ideal: is given with non-idealities; expected one of both. Hint: leave out "
                "non_idealities and drawn"
            )
        self.known = frozenset() if ideal else known
        self.draws = (
            ChipSampler(self.chip, known, drawn, seed=seed, redraw=redraw) if drawn else None
        )
        self.accesses = nominal_accesses(self.chip.order, self.chip.mapping, self.chip.policy)
        self.ranges: Ranges = BatchRanges()
        first = _first_numbers(network, self.chip, self.known, seed)
        self._names = tuple(first)
        fixed = _fixed(network)
        for name, value in first.items():
            tensor = value.detach().clone().to(dtype or value.dtype)
            learns = name.partition("_")[0] not in fixed
            parameter = nn.Parameter(tensor, requires_grad=learns)
            self.register_parameter(name.replace(".", "/"), parameter)

    @property
    def weight(self) -> Tensor:
        """Return one of the parameters, for type and device."""
        return next(iter(self.parameters()))

    @property
    def matrices(self) -> frozenset[str]:
        """Return the names of the parameters that banks hold."""
        return frozenset(matrix.name.replace(".", "/") for matrix in self.network.workload.matrices)

    def get_extra_state(self) -> Tensor:
        """Return how many chips and evaluations have been drawn, int64, shape `(2,)`."""
        return drawn_so_far(self.draws)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on with the draws that follow as many; the next evaluation meets a new chip."""
        draw_on(self.draws, state)

    def numbers(self) -> dict[str, Tensor]:
        """Return the parameters by the names of the workload; gradients flow through."""
        return {name: self.get_parameter(name.replace(".", "/")) for name in self._names}

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape `(batch, *output)`.

        Args:
            x: Inputs, shape `(batch, *input)`.

        Raises:
            InputError: If the inputs are not numbers of such a shape.
        """
        if torch.is_inference_mode_enabled():
            with torch.inference_mode(False), torch.no_grad():
                return self.forward(x)
        if self.ideal:
            return self._outputs(x, BatchRanges(quantile=1.0))
        return self._outputs(x, self.ranges.of_batches() if self.training else self.ranges)

    def _rows(self, x: Tensor) -> Tensor:
        """Return inputs as one row a sample."""
        return as_values(x, self.network.workload.values[0], self.weight, finite=False)

    def _outputs(self, x: Tensor, ranges: Ranges) -> Tensor:
        """Return the outputs with some ranges."""
        rows = self._rows(x)
        numbers = self.numbers()
        written, scales = written_matrices(self.chip, numbers, ranges, exact=self.ideal)
        model: BankModel
        if self.training and self.draws is not None:
            model, noise = self.draws.sample(written)
        else:
            noise = NoiseContext(self.known)
            model = NominalBanks(self.chip, written, self.known)
        return evaluate_workload(
            model, numbers, scales, ranges, rows, self.accesses, noise, exact=self.ideal
        )

    @torch.no_grad()
    def calibrate(self, x: Tensor, *, quantile: float = QUANTILE) -> None:
        """Fix the ranges of lines and converters, so that some inputs fill them.

        Args:
            x: Inputs such as those of training, shape `(batch, *input)`.
            quantile: Share of the numbers that each range spans; what lies beyond is clipped.

        Raises:
            InputError: If the inputs are not numbers of such a shape.
        """
        numbers = {name: number.detach() for name, number in self.numbers().items()}
        self.ranges = calibrated_ranges(
            self.chip, numbers, self._rows(x), active=self.known, quantile=quantile
        )

    def standardize(self, x: Tensor) -> None:
        """Fix the ranges on training inputs; see `calibrate`."""
        self.calibrate(x)

    @torch.inference_mode(False)
    def parameter_set(self) -> NetworkParameters:
        """Return a detached copy of the parameters as they would be written to a machine."""
        numbers = {name: t.detach().clone() for name, t in self.numbers().items()}
        ranges = {name: t.detach().clone() for name, t in self.ranges.tensors().items()}
        return NetworkParameters(self.network, numbers, ranges, self.spec.sha256())

    @torch.no_grad()
    def load_parameter_set(
        self, parameters: NetworkParameters, *, any_machine: bool = False
    ) -> None:
        """Take over trained numbers and ranges.

        Args:
            parameters: Of this network.
            any_machine: Accept numbers that were trained for another machine.

        Raises:
            ParameterError: If they are not those of this network or of this machine.
        """
        parameters.check(self.network)
        parameters.check_machine(self.spec.sha256(), self.spec.name, any_machine=any_machine)
        for name, parameter in self.numbers().items():
            parameter.copy_(parameters.numbers[name])
        self.ranges = Ranges.from_tensors(parameters.ranges)


def _first_numbers(network: Network, chip: Chip, active: Active, seed: int) -> dict[str, Tensor]:
    """Return the numbers that training starts from, by name.

    Args:
        network: Network.
        chip: Nominal chip.
        active: Non-idealities that training accounts for.
        seed: Seed of what is drawn.
    """
    if isinstance(network, ReLaXNet):
        point = working_point(chip, active=active, residual=network.residual)
        return network.initial_parameters(seed, point=point)
    return network.initial_parameters(seed)


def _fixed(network: Network) -> frozenset[str]:
    """Return the maps of a ReLaX-Net that are not trained: `input`, `output`."""
    if not isinstance(network, ReLaXNet):
        return frozenset()
    kinds = {"input": network.input_map, "output": network.output_map}
    return frozenset(name for name, kind in kinds.items() if kind == "fixed")


def drawn_so_far(draws: ChipSampler | None) -> Tensor:
    """Return how many chips and evaluations have been drawn, int64, shape `(2,)`."""
    return torch.tensor((0, 0) if draws is None else (draws.chips, draws.reads))


def draw_on(draws: ChipSampler | None, state: Tensor) -> None:
    """Let draws go on behind as many chips and evaluations, with a new chip.

    Args:
        draws: What draws; None where nothing does.
        state: As of `drawn_so_far`.
    """
    if draws is not None:
        draws.chips, draws.reads = (int(count) for count in state)
        draws.renew()


def refuse_unknown(names: Active, chip: Chip) -> None:
    """Refuse names of non-idealities that a machine does not have.

    Args:
        names: Names.
        chip: Any chip of the machine.

    Raises:
        ParameterError: If there is one.
    """
    unknown = sorted(names - chip.non_idealities)
    if unknown:
        raise ParameterError(
            f"unknown non-idealities {_some(unknown)}; this machine has "
            f"{', '.join(sorted(chip.non_idealities))}"
        )


def _some(names: list[str]) -> str:
    """Return names for a message, the first ones of many."""
    text = ", ".join(show(name)[1:-1] for name in names[:10])
    return text if len(names) <= 10 else f"{text} and {len(names) - 10} more"

"""Values of networks of any shape: simulator, surrogate, reference and module agree."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import pnnsim
from pnnsim.inference.predict import outputs
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.mlp import Mlp
from pnnsim.networks.network_parameters import load_network_parameters
from pnnsim.networks.reference import run_reference
from pnnsim.networks.relaxnet_parameters import by_name
from pnnsim.networks.workload import Mvm
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs


class LeNet(nn.Sequential):
    """LeNet-5 on images of 20 pixels a side, narrower than the published one."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(72, 30), nn.ReLU(), nn.Linear(30, 10),
        )  # fmt: skip


class Separable(nn.Module):
    """Depthwise and pointwise convolutions with batch norm, and a skip around both."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.point = nn.Conv2d(6, 6, 1)
        self.last = nn.Linear(6 * 36, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.depth(x)))
        return self.last((torch.sigmoid(self.point(y)) + x).flatten(1))


class Sequence(nn.Module):
    """LSTM over a sequence, whose last state is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(7, 9, batch_first=True)
        self.last = nn.Linear(9, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cells(x)[0][:, -1])


def example(module: nn.Module) -> Tensor:
    """Return samples of a module, numbers of either sign."""
    shape = {LeNet: (1, 20, 20), Separable: (6, 6, 6), Sequence: (5, 7)}[type(module)]
    generator = torch.Generator().manual_seed(3)
    return torch.randn(4, *shape, generator=generator, dtype=torch.float64)


def made(kind: type[nn.Module]) -> nn.Module:
    """Return a module with weights of its own, in float64."""
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(1)
        module = kind().double().eval()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.uniform_(-0.5, 0.5)  # type: ignore[operator, union-attr]
                part.running_var.uniform_(0.5, 2.0)  # type: ignore[operator, union-attr]
    return module


@pytest.mark.parametrize("name", sorted(available_specs()))
@pytest.mark.parametrize("kind", [LeNet, Separable, Sequence])
def test_an_ideal_machine_gives_what_the_module_gives(kind: type[nn.Module], name: str) -> None:
    module = made(kind)
    x = example(module)
    network = pnnsim.from_torch(module, x)
    surrogate = pnnsim.Surrogate(network, load_spec(name), ideal=True)
    expected = module(x)
    error = (surrogate(x) - expected).abs().max() / expected.abs().max()
    assert float(error.detach()) < 1e-9


@pytest.mark.parametrize(
    "folding", [[], [("weight_banks.rows", "16"), ("weight_banks.cols", "16")]]
)
def test_simulator_and_surrogate_agree_without_non_idealities(folding) -> None:
    module = made(LeNet)
    x = example(module)
    spec = load_spec("photonic_mrr", folding)
    surrogate = pnnsim.Surrogate(pnnsim.from_torch(module, x), spec, non_idealities=[])
    surrogate.calibrate(x)
    chip = surrogate.chip.fabricate(0, 0)
    accesses = time_run(surrogate.chip, len(x)).accesses
    found = outputs(
        chip, surrogate.parameter_set(), x, accesses, without=sorted(chip.non_idealities)
    )
    torch.testing.assert_close(found, surrogate(x).detach(), rtol=0, atol=1e-10)


def test_an_mlp_whose_activation_is_the_machines_is_the_reference_with_that_activation() -> None:
    spec = load_spec("photonic_mrr")
    network = Mlp(sizes=(12, 9, 7, 3))
    surrogate = pnnsim.Surrogate(network, spec, ideal=True)
    chip = surrogate.chip
    x = torch.rand(5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def lines(value: Tensor) -> Tensor:
        # Numbers are scaled to the lines; what the machine's f gives is within their range.
        return value

    numbers = {name: value.detach() for name, value in surrogate.numbers().items()}
    expected = run_reference(
        network.workload, numbers, x,
        activation=lambda y: chip.nonlinearity.activate(y, None, None, frozenset()), lines=lines,
    )  # fmt: skip
    torch.testing.assert_close(surrogate(x).detach(), expected, rtol=0, atol=1e-12)


def test_ranges_that_data_have_fixed_clip_what_is_beyond() -> None:
    module = made(LeNet)
    x = example(module)
    surrogate = pnnsim.Surrogate(pnnsim.from_torch(module, x), load_spec("photonic_mzi"))
    surrogate.eval()
    surrogate.calibrate(0.5 * x)
    narrow = surrogate(4.0 * x).detach()
    surrogate.calibrate(4.0 * x)
    wide = surrogate(4.0 * x).detach()
    expected = module(4.0 * x).detach()
    assert (narrow - expected).abs().max() > 2.0 * (wide - expected).abs().max()


def test_gradients_of_the_surrogate_are_those_of_the_module() -> None:
    module = made(Separable)
    x = example(module)
    surrogate = pnnsim.Surrogate(
        pnnsim.from_torch(module, x), load_spec("photonic_mrr"), ideal=True
    )
    inputs = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(surrogate(inputs).square().sum(), inputs)
    (expected,) = torch.autograd.grad(module(inputs).square().sum(), inputs)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_a_run_has_the_keys_of_a_relaxnet_run() -> None:
    module = made(LeNet)
    x = example(module)
    spec = load_spec("photonic_mrr")
    network = pnnsim.from_torch(module, x)
    surrogate = pnnsim.Surrogate(network, spec)
    result = pnnsim.simulate(spec, surrogate.parameter_set(), x, [0, 1, 2, 3], chips=2)
    other = pnnsim.ReLaXNet(inputs=8, hidden=8, outputs=4, weight_sets=2, steps=3)
    relaxnet = pnnsim.simulate(
        spec, pnnsim.Surrogate(other, spec).parameter_set(), torch.rand(4, 8), [0, 1, 2, 3], chips=2
    )
    assert set(relaxnet.metrics) <= set(result.metrics)
    assert set(relaxnet.metrics["energy_j"]) == set(result.metrics["energy_j"])
    assert result.metrics["macs_per_inference"]["hidden"] == network.workload.macs
    assert any("ranges of lines" in text for text in result.metrics["warnings"])
    ledger = result.metrics["energy_j"]
    assert sum(ledger["by_component"].values()) == pytest.approx(ledger["total"], rel=1e-12, abs=0)
    assert len(network.workload.matrices) == 4


class Recurrent(nn.Module):
    """Recurrent layer over a sequence, whose last state is classified."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.cells = kind(5, 6, batch_first=True)
        self.last = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cells(x)[0][:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_twenty_steps_of_a_recurrent_layer_run_on_a_chip(
    kind: type[nn.LSTM] | type[nn.GRU],
) -> None:
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(1)
        module = Recurrent(kind).double().eval()
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(3, 20, 5, generator=generator, dtype=torch.float64)
    network, spec = pnnsim.from_torch(module, x), load_spec("photonic_pcm")
    ideal = pnnsim.Surrogate(network, spec, ideal=True)(x)
    torch.testing.assert_close(ideal, module(x), rtol=1e-9, atol=1e-9)
    y = module(x).argmax(dim=1)
    surrogate = pnnsim.Surrogate(network, spec)
    result = pnnsim.simulate(spec, surrogate.parameter_set(), x, y, chips=1)
    # W_ih takes all items as vectors of one product, W_hh comes back for each item.
    layers = {layer["name"] for layer in result.metrics["layers"]}
    assert {"matrix.0", "matrix.1", "matrix.2"} <= layers
    assert sum(isinstance(step, Mvm) for step in network.workload.steps) == 1 + 20 + 1
    assert result.metrics["accuracy"]["float"] == 1.0


def test_parameters_and_ranges_survive_a_file(tmp_path) -> None:
    module = made(LeNet)
    x = example(module)
    spec = load_spec("photonic_mrr")
    surrogate = pnnsim.Surrogate(pnnsim.from_torch(module, x), spec)
    surrogate.calibrate(x)
    surrogate.parameter_set().save(tmp_path / "p.safetensors")
    loaded = load_network_parameters(tmp_path / "p.safetensors")
    again = pnnsim.Surrogate(loaded.network, spec)
    again.load_parameter_set(loaded)
    assert torch.equal(again.eval()(x), surrogate.eval()(x))
    assert loaded.network.workload.sha256() == surrogate.network.workload.sha256()


def relaxnet(**settings) -> pnnsim.ReLaXNet:
    whole = {"inputs": 16, "hidden": 16, "outputs": 16, "weight_sets": 2, "steps": 4}
    return pnnsim.ReLaXNet(**{**whole, **settings})


@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_mzi", "spintronic_mtj"])
@pytest.mark.parametrize(
    "settings", [{}, {"injection": "every"}, {"residual": 0.5}, {"order": (1, 0, 0, 1)}]
)
def test_the_workload_of_a_relaxnet_gives_what_the_relaxnet_gives(name, settings) -> None:
    network, spec = relaxnet(**settings), load_spec(name)
    classic = pnnsim.Surrogate(network, spec, dtype=torch.float64)
    numbers = by_name(network, classic.parameter_set().tensors())
    given = GivenNetwork(network.workload, numbers)
    general = pnnsim.Surrogate(given, spec)
    # States stay within the lines, where the classic surrogate has no ranges to follow a batch.
    x = 0.2 * torch.rand(6, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(general(x), classic(x), rtol=0, atol=1e-12)
    y = torch.arange(6)
    runs = [pnnsim.simulate(spec, s.parameter_set(), x, y, chips=1) for s in (classic, general)]
    assert runs[0].trace.equals(runs[1].trace)
    assert runs[0].metrics["energy_j"] == runs[1].metrics["energy_j"]
    assert runs[0].metrics["accuracy"] == runs[1].metrics["accuracy"]


class TorchReLaX(nn.Module):
    """ReLaX-Net of two matrices in turn, as ordinary torch; sums in either order."""

    def __init__(self, *, state_first: bool) -> None:
        super().__init__()
        self.state_first = state_first
        self.first, self.last = nn.Linear(9, 16), nn.Linear(16, 5)
        self.sets = nn.ModuleList([nn.Linear(16, 16) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        for step in range(6):
            y = self.sets[step % 2](h)
            h = 0.5 * h + torch.tanh(y) if self.state_first else torch.tanh(y) + 0.5 * h
        return self.last(h)


@pytest.mark.parametrize("state_first", [True, False])
def test_a_relaxnet_in_ordinary_torch_is_a_relaxnet_on_a_machine_with_its_activation(
    state_first: bool,
) -> None:
    spec = load_spec("photonic_mzi")  # whose nonlinearity is a table of tanh
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(2)
        module = TorchReLaX(state_first=state_first).double().eval()
    x = torch.rand(7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.arange(7) % 5
    digital = {name: {"place": "digital"} for name in ("first", "last")}
    network = pnnsim.from_torch(module, x[:2], layers=digital, gains="set")
    ideal = pnnsim.Surrogate(network, spec, ideal=True)
    torch.testing.assert_close(ideal(x), module(x), rtol=0, atol=1e-12)
    own = relaxnet(inputs=9, outputs=5, steps=6, residual=0.5)
    sets = [part.weight.detach() for part in module.sets]
    gain = torch.stack([weight.abs().max() for weight in sets])
    parameters = pnnsim.ParameterSet(
        own,
        input_weight=module.first.weight.detach(),
        input_bias=module.first.bias.detach(),
        weight=torch.stack(sets) / gain[:, None, None],
        gain=gain,
        bias=torch.stack([part.bias.detach() for part in module.sets]),
        output_weight=module.last.weight.detach(),
        output_bias=module.last.bias.detach(),
    )
    mine = pnnsim.simulate(spec, parameters, x, y, chips=2)
    theirs = pnnsim.simulate(spec, pnnsim.Surrogate(network, spec).parameter_set(), x, y, chips=2)
    assert theirs.trace.equals(mine.trace)
    assert theirs.metrics["energy_j"] == mine.metrics["energy_j"]
    assert theirs.metrics["accuracy"] == mine.metrics["accuracy"]
    chip = pnnsim.Chip.nominal(spec, own).fabricate(0, 0)
    other = pnnsim.Chip.nominal(spec, network).fabricate(0, 0)
    given = pnnsim.Surrogate(network, spec).parameter_set()
    accesses = mine.timing.accesses
    torch.testing.assert_close(
        outputs(other, given, x, accesses), outputs(chip, parameters, x, accesses),
        rtol=0, atol=1e-10,
    )  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"input_map": "fixed"},
        {"input_map": "none"},
        {"input_map": "banks", "inputs": 20},
        {"output_map": "banks", "outputs": 5},
        {"output_map": "fixed", "outputs": 5},
        {"input_map": "none", "output_map": "none"},
        {"input_map": "banks", "injection": "every", "residual": 0.5},
        {"input_map": "none", "injection": "every"},
    ],
)
def test_maps_may_be_on_banks_fixed_or_left_out(settings) -> None:
    network, spec = relaxnet(**settings), load_spec("photonic_mrr")
    surrogate = pnnsim.Surrogate(network, spec, non_idealities=[], dtype=torch.float64).eval()
    x = torch.rand(6, network.inputs, generator=torch.Generator().manual_seed(0)).double()
    surrogate.standardize(x)
    chip = surrogate.chip.fabricate(0, 0)
    accesses = time_run(surrogate.chip, len(x)).accesses
    off = sorted(chip.non_idealities)
    found = outputs(chip, surrogate.parameter_set(), x, accesses, without=off)
    torch.testing.assert_close(found, surrogate(x).detach(), rtol=0, atol=1e-10)
    counts = network.parameter_counts()
    parts = (counts[place] for place in ("hidden", "gain", "front_end", "readout"))
    assert sum(parts) == counts["total"] == network.workload.parameters
    learnt = sum(p.numel() for p in surrogate.parameters() if p.requires_grad)
    assert learnt == counts["total"] - counts.get("fixed", 0)


@pytest.mark.parametrize(
    "settings", [{"input_map": "none", "inputs": 5}, {"output_map": "none", "outputs": 4}]
)
def test_a_map_cannot_be_left_out_between_different_widths(settings) -> None:
    with pytest.raises(ValueError, match=r"is none, .* expected equal"):
        relaxnet(**settings)

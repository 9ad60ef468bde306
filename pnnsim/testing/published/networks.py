"""Published figures of networks: the fixed point of a loop, weights of few junctions, energies."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import fixed_point
from torch import Tensor, nn

from pnnsim.common.rng import normal, stream
from pnnsim.learning.datasets import load_task
from pnnsim.physics import dynamics, electronic, photonic_modulation, quantize, spintronic_encoding
from pnnsim.testing.published.check import Band, Check, Demonstration, about, at_least, percent

ANALOG_COMPUTER = Demonstration(
    "analog-computer",
    "Analog optical computer: a loop without converters",
    "Microsoft, Nature, 2025 (analog optical computer)",
)
JUNCTIONS = Demonstration(
    "junctions", "Weights of several junctions in series", "Rzeszut et al., Sci. Rep. 12, 2022"
)


def analog_computer() -> Iterator[Check]:
    """Compare the period of the loop, and where it settles, with 20 ns and a digital solution."""
    source = dynamics.time_constant_from_bandwidth(200e6)
    electronics = 15e-9
    period = dynamics.settling_time(source, 8) + electronics
    yield Check(
        ANALOG_COMPUTER,
        "period of the loop",
        "s",
        20e-9,
        period,
        percent(20e-9, 15.0),
        "simulation",
        "light sources of 200 MHz settle to 8 bit in 5.0 ns; electronics 15 ns",
        fitted="the time of the electronics, which is not published",
    )
    error = _loop_error(variables=16, bits=9, turns=40)
    yield Check(
        ANALOG_COMPUTER,
        "distance from the digital fixed point, relative",
        "",
        0.0,
        error,
        Band(0.0, 0.01, "at most 1 %, as 'surrogate > 99 %'"),
        "simulation",
        "16 variables, weights of 9 bit on two masks, norm 0.5, tanh, 40 turns of the loop; "
        "light sources settle for 5.0 ns in each",
    )


def _loop_error(variables: int, bits: int, turns: int) -> float:
    """Return how far the analog loop `h <- tanh(W h + b)` ends from the digital fixed point."""
    generator = stream(0, "verify.analog-computer", "fabrication")
    wanted = normal((variables, variables), generator)
    wanted = wanted / torch.linalg.matrix_norm(wanted, 2) * 0.5
    bias = normal((variables,), generator)
    largest = float(wanted.abs().max())
    masks = photonic_modulation.signed_masks(wanted / largest)
    add, subtract = (quantize.quantize(mask, bits, 0.0, 1.0) for mask in masks)
    weight = largest * (add - subtract)
    tau = dynamics.time_constant_from_bandwidth(200e6)
    elapsed = torch.tensor(dynamics.settling_time(tau, 8), dtype=torch.float64)
    light = torch.zeros(variables, dtype=torch.float64)
    for _ in range(turns):
        light = dynamics.settle(light, torch.tanh(weight @ light + bias), elapsed, tau)
    w, b = wanted.numpy(), bias.numpy()

    def turn(h: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.tanh(w @ h + b), np.float64)

    exact = fixed_point(turn, np.zeros(variables), xtol=1e-12)
    return float(np.linalg.norm(light.numpy() - exact) / np.linalg.norm(exact))


def junctions() -> Iterator[Check]:
    """Compare the accuracy of a network on K junctions a polarity with that of its software."""
    task = load_task("digits")
    train, test = ((torch.from_numpy(x).double(), torch.from_numpy(y)) for x, y in (
        (task.train_x, task.train_y), (task.test_x, task.test_y)))  # fmt: skip
    layers = _trained(*train)
    software = _accuracy(layers, *test)
    four, one = (
        _accuracy([_on_junctions(layer, count) for layer in layers], *test) for count in (4, 1)
    )
    inputs = (
        "64-32-10 network trained on scikit-learn's 8 x 8 digits (the paper: its own 20 x 20 "
        "ones), one string of junctions a polarity, magnetoresistance 130 %, no device spread"
    )
    yield Check(
        JUNCTIONS,
        "accuracy lost on 4 junctions",
        "",
        0.0,
        software - four,
        about(0.0, 0.02, "±2 points; the paper says 'as software'"),
        "simulation",
        inputs,
    )
    yield Check(
        JUNCTIONS,
        "accuracy gained from 1 junction to 4",
        "",
        0.0,
        four - one,
        at_least(0.0),
        "simulation",
        inputs,
    )


_Layer = tuple[Tensor, Tensor]


def _trained(x: Tensor, y: Tensor, hidden: int = 32, epochs: int = 150) -> list[_Layer]:
    """Return the layers of a small network with one hidden layer, trained in full batches."""
    generator = stream(0, "verify.junctions", "train")
    sizes = ((hidden, x.shape[1]), (10, hidden))
    weights = [(normal(size, generator) / math.sqrt(size[1])).requires_grad_() for size in sizes]
    biases = [torch.zeros(size[0], dtype=torch.float64, requires_grad=True) for size in sizes]
    optimizer = torch.optim.Adam([*weights, *biases], lr=0.02)
    for _ in range(epochs):
        loss = nn.functional.cross_entropy(_logits(list(zip(weights, biases, strict=True)), x), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [(w.detach(), b.detach()) for w, b in zip(weights, biases, strict=True)]


def _logits(layers: list[_Layer], x: Tensor) -> Tensor:
    (first, offset), (second, end) = layers
    return torch.tanh(x @ first.T + offset) @ second.T + end


def _accuracy(layers: list[_Layer], x: Tensor, y: Tensor) -> float:
    return float((_logits(layers, x).argmax(dim=1) == y).double().mean())


def _on_junctions(layer: _Layer, count: int) -> _Layer:
    """Return a layer whose weights are held by strings of so many junctions."""
    weight, bias = layer
    largest, tmr, parallel = float(weight.abs().max()), 1.3, 1.0
    states = spintronic_encoding.series_states(weight / largest, count, tmr)
    each = spintronic_encoding.device_conductance(states, parallel, parallel / (1.0 + tmr))
    strings = spintronic_encoding.group_conductance(each, series=True)
    swing = parallel / count * (1.0 - 1.0 / (1.0 + tmr))
    return largest * spintronic_encoding.differential_weight(strings, swing), bias


SURVEY = Demonstration(
    "adc-survey",
    "Energy of analog-to-digital conversion",
    "Murmann, ADC Performance Survey 1997-2025 (statistics of its parts of 2015-25)",
)

#: Sampling rates [Hz] and the median Walden figure of merit of the survey's parts [J].
_MEDIANS = {
    (0.1e9, 0.3e9): 24.2e-15,
    (0.3e9, 1e9): 31e-15,
    (1e9, 3e9): 19.9e-15,
    (3e9, 10e9): 37e-15,
    (10e9, 30e9): 164e-15,
    (30e9, 300e9): 75e-15,
}
#: Scatter of the survey's parts around the regression, in decades.
_SCATTER = 0.54


def adc_survey() -> Iterator[Check]:
    """Compare the price of a conversion with the medians of the survey, where parts exist.

    The survey's single parts are not part of this library, so the share of parts within half a
    decade cannot be recomputed here.
    """
    for (low, high), median in _MEDIANS.items():
        rate = math.sqrt(low * high)
        merit = electronic.survey_converter_energy(rate, 7.0) / 2.0**7
        yield Check(
            SURVEY,
            f"energy of a step at {low / 1e9:g} to {high / 1e9:g} GS/s",
            "J",
            median,
            merit,
            Band(
                median * 10**-_SCATTER,
                median * 10**_SCATTER,
                f"±{_SCATTER} decades, the parts' scatter",
            ),
            "closed form",
            "7 effective bits, geometric middle of the rates",
            fitted="the regression, to 113 parts of the same survey",
        )
    slope = math.log10(
        electronic.survey_converter_energy(1e9, 8.0) / electronic.survey_converter_energy(1e9, 7.0)
    )
    yield Check(
        SURVEY,
        "growth of energy with a bit, in decades",
        "",
        math.log10(2.0),
        slope,
        percent(math.log10(2.0), 5.0),
        "closed form",
        "Walden's law: a factor of 2 a bit",
        fitted="the regression, as above",
    )

"""Trial of a component: the laws that it breaks, with the checks that several laws share."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Component

C = TypeVar("C", bound=Component[Any])

#: How exactly a component without non-idealities must be ideal, in float64.
IDEAL = 1e-10

#: Step of a central difference: its own error is the step squared, rounding takes 1e-16 / step.
_STEP = 1e-6
_GRADIENT = 1e-5

#: Standard errors by which a mean may miss, at a fixed seed.
SIGMAS = 5.0

#: Times at which the residue of parts is checked [s], from none to more than any part needs.
TIMES = (0.0, *(10.0**power for power in range(-13, 7)), float("inf"))


#: Reads over which the statistics of noise are taken.
READS = 4000

#: Laws of the timing view and of the cost view; all others are of the values.
_VIEWS = {
    "delays": "timing",
    "prices": "cost",
    "static power": "cost",
    "area": "cost",
    "declarations": "declaration",
}


class LawError(AssertionError):
    """Error that lists the laws that a component breaks."""


class Trial(Generic[C]):
    """Component under test, with the laws that it was found to break.

    Args:
        part: Name of the part.
        kind: YAML name.
        component: Component under test.
    """

    def __init__(self, part: str, kind: str, component: C) -> None:
        self.part = part
        self.kind = kind
        self.component = component
        self.all_on = frozenset(f"{part}.{name}" for name in component.non_idealities)
        self.trained_on = frozenset(f"{part}.{name}" for name in component.deterministic)
        self._broken: list[str] = []

    def expect(self, holds: bool, law: str, found: str) -> bool:
        """Note a broken law and return whether it held.

        Args:
            holds: Whether the law holds.
            law: Its name.
            found: What was found and what was expected.
        """
        if not holds:
            view = _VIEWS.get(law, "values")
            self._broken.append(f"{self.part}.{self.kind}: {view}: {law}: {found}")
        return holds

    def run(self, laws: Sequence[Law[C]]) -> None:
        """Check every law, and raise with all that are broken.

        Raises:
            LawError: If any law was broken.
        """
        before = _global_state()
        try:
            for law in laws:
                law(self)
            self.expect(
                before == _global_state(),
                "determinism per stream",
                "draws from a global generator, of torch, NumPy or Python; expected the one that "
                "is passed in",
            )
        finally:
            # Also where a check raises: a broken law often explains why.
            self._finish()

    def _finish(self) -> None:
        if self._broken:
            raise LawError("\n".join(self._broken))

    def noise_is_white(
        self,
        what: str,
        draw: Callable[[torch.Generator], Tensor],
        quiet: Tensor,
        ends: tuple[float, float] = (-math.inf, math.inf),
    ) -> Tensor:
        """Expect reads of one signal to scatter about it, independently, and the same for a stream.

        Args:
            what: Name of the method.
            draw: Returns many reads, shape `(n_read, n)`.
            quiet: The signal without noise, shape `(1, n)`.
            ends: Where reads are clipped; signals within six deviations of them have a mean.

        Returns:
            Standard deviation of each signal's reads, shape `(n,)`.
        """
        law = "determinism per stream"
        drawn = draw(self.generator("noise"))
        self.same(
            draw(self.generator("noise")), drawn, law, f"the noise of the same stream, {what},"
        )
        deviation, root = drawn.std(dim=0), len(drawn) ** 0.5
        if not bool(deviation.any()):
            self.same(drawn[:1], quiet, "noise has no mean", f"{what} without noise", IDEAL)
            return deviation
        self.expect(
            not torch.equal(draw(self.generator("other noise")), drawn),
            law,
            f"{what} draws the same noise from another stream; expected other numbers",
        )
        room = torch.minimum(quiet - ends[0], ends[1] - quiet)[0]
        free = (deviation > 0.0) & (room > 6.0 * deviation)
        error = (drawn - quiet).mean(dim=0).abs()[free] / (deviation[free] / root)
        self.expect(
            bool((error <= SIGMAS).all()),
            "noise has no mean",
            f"{what}: the mean of {len(drawn)} reads is off by "
            f"{float(error.max()) if len(error) else 0.0:.3g} standard errors; expected at most "
            f"{SIGMAS:g}",
        )
        normal = ((drawn - drawn.mean(dim=0)) / deviation)[:, free]
        alike = (normal[1:] * normal[:-1]).mean(dim=0).abs() * root
        self.expect(
            bool((alike <= SIGMAS).all()),
            "causality",
            f"{what}: the noise of a sample is like that of the one before it; expected each "
            "sample to have noise of its own",
        )
        return deviation

    def gradient_is_finite(self, what: str, f: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Expect finite gradients also where a curve has an end or a kink.

        Args:
            what: Name of the method.
            f: The method, of one argument.
            x: Points at the ends and kinks.
        """
        at = x.clone().requires_grad_(True)
        output = f(at)
        if output.requires_grad:
            (gradient,) = torch.autograd.grad(output.sum(), at)
            self.expect(
                bool(torch.isfinite(gradient).all()),
                "gradient",
                f"{what} has a gradient that is not finite at an end of its range; expected a "
                "finite one everywhere",
            )

    def generator(self, name: str = "trial") -> torch.Generator:
        """Return a fresh stream; the same name gives the same numbers."""
        return stream(0, f"{self.part}.{self.kind}.{name}", "read")

    def uniform(self, shape: tuple[int, ...], low: float, high: float, name: str = "x") -> Tensor:
        """Return uniform numbers, always the same for a name.

        Args:
            shape: Shape of the result.
            low: Least number, apart from bounds and kinks.
            high: Greatest number, likewise.
            name: Name of the stream.
        """
        drawn = torch.rand(shape, generator=self.generator(name), dtype=torch.float64)
        return low + (high - low) * drawn

    def same(self, got: Tensor, wanted: Tensor, law: str, what: str, within: float = 0.0) -> None:
        """Expect two tensors to be equal, in shape and to an absolute tolerance.

        Args:
            got: Tensor that was found.
            wanted: Tensor that is expected.
            law: Name of the law.
            what: What was found, for the message.
            within: Greatest difference.
        """
        if not self.expect(
            got.shape == wanted.shape,
            law,
            f"{what} has the shape {tuple(got.shape)}; expected {tuple(wanted.shape)}",
        ):
            return
        off = float((got.double() - wanted.double()).abs().max()) if got.numel() else 0.0
        self.expect(off <= within, law, f"{what} is off by {off:.3g}; expected at most {within:g}")

    def map_keeps_form(self, what: str, f: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Expect a map of samples to keep dtype and shape, also of one sample and of none.

        Args:
            what: Name of the method.
            f: The method, of samples.
            x: Samples, shape `(batch, n)`.
        """
        for dtype in (torch.float32, torch.float64):
            for samples in (len(x), 1, 0):
                given = x[:samples].to(dtype)
                got = f(given)
                self.expect(
                    got.dtype == dtype and got.shape == given.shape,
                    "dtype and shape",
                    f"{what} of {tuple(given.shape)} {dtype} is {tuple(got.shape)} {got.dtype}; "
                    "expected the same as its input",
                )
                self.expect(
                    bool(torch.isfinite(got).all()),
                    "finite numbers",
                    f"{what} is not finite for finite inputs",
                )

    def samples_are_alone(self, what: str, f: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Expect the output of each sample not to depend on other samples, nor on history.

        Args:
            what: Name of the method.
            f: The method, of samples.
            x: Samples, shape `(batch, n)`.
        """
        together = f(x)
        alone = torch.cat([f(x[i : i + 1]) for i in range(len(x))])
        # Reductions may add in another order.
        self.same(alone, together, "causality", f"{what} of a sample alone", within=1e-12)
        self.same(f(x), together, "causality", f"{what}, called again,")

    def gradient_is_right(self, what: str, f: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Expect the gradient along one direction to equal a central difference in float64.

        Args:
            what: Name of the method.
            f: The method, of one argument.
            x: Point, away from ends and kinks.
        """
        at = x.clone().requires_grad_(True)
        output = f(at)
        weights = self.uniform(tuple(output.shape), 0.5, 1.5, "weights")
        if not self.expect(
            output.requires_grad, "gradient", f"{what} passes no gradient; expected torch functions"
        ):
            return
        (gradient,) = torch.autograd.grad((weights * output).sum(), at)
        direction = self.uniform(tuple(x.shape), -1.0, 1.0, "direction")
        with torch.no_grad():
            ahead, behind = f(x + _STEP * direction), f(x - _STEP * direction)
            difference = float((weights * (ahead - behind)).sum()) / (2.0 * _STEP)
        along = float((gradient * direction).sum())
        self.expect(
            abs(along - difference) <= _GRADIENT * (1.0 + abs(difference)),
            "gradient",
            f"{what} has the slope {along:.6g} by autograd and {difference:.6g} by a central "
            "difference; expected the same",
        )

    def gradient_is_usable(self, what: str, f: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Expect finite gradients, not all zero, with the non-idealities that training includes.

        Args:
            what: Name of the method.
            f: The method, of one argument.
            x: Point at which it is differentiated.
        """
        at = x.clone().requires_grad_(True)
        output = f(at)
        if not self.expect(
            output.requires_grad,
            "gradient",
            f"{what} passes no gradient with {sorted(self.trained_on)} on; expected one, "
            "straight through where the true one is zero",
        ):
            return
        weights = self.uniform(tuple(output.shape), 0.5, 1.5, "weights")
        (gradient,) = torch.autograd.grad((weights * output).sum(), at)
        self.expect(
            bool(torch.isfinite(gradient).all()) and bool(gradient.any()),
            "gradient",
            f"{what} has a gradient that is zero or not finite with {sorted(self.trained_on)} on",
        )

    def settles(self, what: str, f: Callable[[Tensor], Tensor]) -> None:
        """Expect the share that is left to fall from 1 to 0, or to be 0 throughout.

        Args:
            what: Name of the method.
            f: Share that is left after times [s].
        """
        times = torch.tensor(TIMES, dtype=torch.float64)
        left = f(times)
        if not self.expect(
            left.shape == times.shape and left.dtype == times.dtype,
            "dtype and shape",
            f"{what} of {tuple(times.shape)} times is {tuple(left.shape)}; expected the same",
        ):
            return
        self.expect(
            bool(((left >= 0.0) & (left <= 1.0)).all()),
            "monotone settling",
            f"{what} lies in [{float(left.min()):g}, {float(left.max()):g}]; expected [0, 1]",
        )
        self.expect(
            bool((left.diff() <= 0.0).all()),
            "monotone settling",
            f"{what} rises at times; expected it to fall with time",
        )
        self.expect(
            float(left[0]) == 1.0 or not bool(left.any()),
            "t = 0",
            f"{what} is {float(left[0]):g} at the moment of the change; expected 1, as nothing has "
            "changed yet, or 0 throughout where the change takes no time",
        )
        self.expect(
            float(left[-1]) == 0.0,
            "monotone settling",
            f"{what} is {float(left[-1]):g} after an infinite time; expected 0",
        )


def _global_state() -> tuple[bytes, str, str]:
    """Return the state of every generator that is not passed in."""
    torch_state = torch.random.get_rng_state().numpy().tobytes()
    numpy_state = np.random.get_state()  # noqa: NPY002 - looked at, not used
    return torch_state, repr(numpy_state), repr(random.getstate())


#: Check of a component, which notes on the trial what is wrong.
Law = Callable[[Trial[C]], None]

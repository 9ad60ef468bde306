"""Corrections of converted sums by what one chip was measured to give for known inputs.

The digital engine knows what it puts onto the lines and what the banks should hold, hence the sums
that a chip should give for some training inputs. The straight line through these and what was
converted instead is the gain and the offset of each row of a product on this chip. They join the
scale and the bias that each number meets in any case, and so cost nothing after they are found.

Reference: affine correction of the columns of a crossbar, as by I. Boybat et al. and of batch norms
by V. Joshi et al., "Accurate deep neural network inference using computational phase-change
memory", Nature Communications 11, 2473, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from pnnsim.inference.partial_sums import averaged, bank_targets, fold_lines
from pnnsim.mapping.tiling import Mapping as TileMapping

#: Gains that a correction may have: a row beyond them is broken rather than off its scale.
_LEAST_GAIN, _MOST_GAIN = 0.2, 5.0

#: Correlation of what was converted with what should be, below which no gain is found in it.
_LEAST_CORRELATION = 0.3


class Corrections:
    """Gain and offset of each row of the products of one chip.

    Args:
        found: Gains and offsets by number of the product, shape `(2, n_out)`; products that are not
            there are left as they are.
    """

    #: Whether the sums that a chip should give are needed.
    measures = False

    def __init__(self, found: Mapping[int, Tensor] | None = None) -> None:
        self._found = dict(found or {})

    def expected(self, content: int, line: Tensor) -> Tensor:
        """Return the sums that a chip should give, shape `(..., n_out)`.

        Args:
            content: What the bank holds.
            line: What the lines carry, without non-idealities, shape `(..., n_input)`.
        """
        raise NotImplementedError

    def corrected(self, product: int, numbers: Tensor, expected: Tensor | None) -> Tensor:
        """Return converted sums, corrected.

        Args:
            product: Number of the product.
            numbers: Converted sums, shape `(..., n_out)`.
            expected: What they should be, where that is measured.
        """
        if product not in self._found:
            return numbers
        gain, offset = self._found[product].to(numbers).unbind()
        return torch.addcmul(offset, numbers, gain)


@final
class CorrectionObserver(Corrections):
    """Corrections that are measured while known inputs pass a chip, and used at once.

    Args:
        written: Matrices as banks should hold them (`written_matrices`).
        mapping: How they are cut.
    """

    measures = True

    def __init__(self, written: Sequence[Tensor], mapping: TileMapping) -> None:
        super().__init__()
        self._mapping = mapping
        self._targets = bank_targets(written, mapping)
        #: Of each product: number, and sums of x, y, x^2, x y and y^2, shape `(6, n_out)`.
        self._moments: dict[int, Tensor] = {}

    def expected(self, content: int, line: Tensor) -> Tensor:
        """Return the sums that a chip should give; see `Corrections.expected`."""
        fold = self._mapping.contents[content].fold
        sums = fold_lines(line, fold, self._mapping) @ self._targets[content].to(line).T
        return averaged(sums, fold, self._mapping)

    def corrected(self, product: int, numbers: Tensor, expected: Tensor | None) -> Tensor:
        """Return converted sums with the correction that those so far give."""
        assert expected is not None, "it measures"
        x, y = (each.reshape(-1, each.shape[-1]).double() for each in (numbers, expected))
        moments = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y]).sum(dim=1)
        self._moments[product] = self._moments.get(product, 0.0) + moments
        self._found[product] = _line_through(self._moments[product])
        return super().corrected(product, numbers, None)

    def corrections(self) -> Corrections:
        """Return what was found, fixed."""
        return Corrections(self._found)


def _line_through(moments: Tensor) -> Tensor:
    """Return gain and offset that make x into y, shape `(2, n_out)`.

    Sums that should be, y, are exact, and what was converted, x, is noisy. The line is therefore
    that of the least squares of x over y, turned round: that of y over x would have a gain too
    small by the share of the noise.

    Args:
        moments: As of `CorrectionObserver`.
    """
    count, x, y, xx, xy, yy = moments.unbind()
    tiny = torch.finfo(xx.dtype).tiny
    variance, covariance = yy - y * y / count, xy - x * y / count
    there = (variance > 1e-12 * yy) & (
        covariance > _LEAST_CORRELATION * (variance * (xx - x * x / count)).clamp(min=0.0).sqrt()
    )
    gain = torch.where(there, variance / covariance.clamp(min=tiny), 1.0)
    gain = gain.clamp(_LEAST_GAIN, _MOST_GAIN)
    return torch.stack([gain, (y - gain * x) / count])

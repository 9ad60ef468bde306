"""Applies settings of single layers to a workload: on banks or digital, bits, scaling.

A layer is a matrix with all its uses, named as in the workload or by what stands ahead of a dot of
its name: `stage1.depthwise` is `stage1.depthwise.weight`. Nothing here imports torch, and where a
layer's tiles lie is not decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pnnsim.errors import WorkloadError
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.layer_settings import LayerSettings
from pnnsim.networks.parts import MACHINE, Digital, Matrix, Mvm
from pnnsim.networks.workload import Workload

Setting = TypeVar("Setting")


def setting_of(name: str, settings: Mapping[str, Setting]) -> tuple[str, Setting] | None:
    """Return the setting of a parameter by the longest name ahead of a dot, None where none is.

    Args:
        name: Name of the parameter, such as `layer1.0.conv1.weight`.
        settings: Settings by such names.
    """
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        layer = ".".join(parts[:count])
        if layer in settings:
            return layer, settings[layer]
    return None


def refuse_unknown_layers(named: Collection[str], known: Sequence[str]) -> None:
    """Refuse settings of layers that a network does not have.

    Args:
        named: Layers with settings that no matrix has taken.
        known: Names of matrices.

    Raises:
        WorkloadError: If there is one.
    """
    if named:
        names = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        raise WorkloadError(
            f"layers.{min(named)}: no layer with a matrix; expected one of {names or 'none'}"
        )


def with_layers(workload: Workload, layers: Mapping[str, LayerSettings]) -> Workload:
    """Return a workload some layers of which are digital, or have bits and scaling of their own.

    A digital layer has weights and a bias: the gain behind a detector gives weights of a bank their
    scale, which those of the digital engine have themselves.

    Args:
        workload: What is computed.
        layers: Settings by name.

    Raises:
        WorkloadError: If there is no such layer, or it cannot be digital.
    """
    if not layers:
        return workload
    found = {matrix.name: setting_of(matrix.name, layers) for matrix in workload.matrices}
    taken = {pair[0] for pair in found.values() if pair is not None}
    refuse_unknown_layers(set(layers) - taken, list(found))
    chosen = {name: pair[1] if pair else LayerSettings() for name, pair in found.items()}
    digital = {name for name, settings in chosen.items() if settings.place == "digital"}
    for name in sorted(digital):
        _check_digital(workload, name, chosen[name])
    matrices = [_with_settings(matrix, chosen[matrix.name]) for matrix in workload.matrices]
    return _Rewriting(workload, matrices, digital).run()


def _with_settings(matrix: Matrix, settings: LayerSettings) -> Matrix:
    """Return a matrix with the bits and the scaling of its layer."""
    return replace(matrix, bits=settings.bits, scaling=settings.scaling)


def _check_digital(workload: Workload, name: str, settings: LayerSettings) -> None:
    """Refuse a layer that the digital engine cannot compute."""
    if settings.bits is not None or settings.scaling != "row":
        raise WorkloadError(
            f"layers.{name}: is digital and has bits or a scaling; expected either. Hint: these "
            "are of weights on banks"
        )
    uses = [
        step
        for step in workload.steps
        if isinstance(step, Mvm) and workload.matrices[step.matrix].name == name
    ]
    if any(step.activation == MACHINE for step in uses):
        raise WorkloadError(
            f"layers.{name}: is digital, but its activation is that of the machine; expected one "
            "by name. Hint: network.activation: relu"
        )
    if len({step.gain for step in uses}) > 1:
        raise WorkloadError(
            f"layers.{name}: is digital, but its uses have gains of their own; expected one gain"
        )
    matrix = workload.matrices[uses[0].matrix]
    if matrix.groups > 1 and any(step.gather is None for step in uses):
        raise WorkloadError(
            f"layers.{name}: is digital in {matrix.groups} groups; expected a convolution, which "
            "may have them"
        )


class _Rewriting:
    """Workload that is written anew, with some of its matrices on the digital engine."""

    def __init__(
        self, workload: Workload, matrices: Sequence[Matrix], digital: Collection[str]
    ) -> None:
        self._old = workload
        self._matrices = matrices
        self._digital = digital
        self._builder = WorkloadBuilder(workload.values[0])
        self._made = {0: 0}

    def run(self) -> Workload:
        """Return the new workload."""
        old, builder, made = self._old, self._builder, self._made
        for number, step in enumerate(old.steps):
            if isinstance(step, Digital):
                made[number + 1] = self._copied(step)
            elif self._matrices[step.matrix].name in self._digital:
                made[number + 1] = self._computed(step, self._matrices[step.matrix])
            else:
                made[number + 1] = self._multiplied(step, self._matrices[step.matrix])
        for carried in old.carried:
            builder.carry(made[carried.source], made[carried.target], initial=carried.initial)
        return builder.build(made[old.output])

    def _copied(self, step: Digital) -> int:
        for name in step.parameters:
            self._builder.parameter(name, self._old.shapes[name])
        return self._builder.digital(
            step.operator,
            *(self._made[source] for source in step.sources),
            parameters=step.parameters,
            **dict(step.constants),
        )

    def _multiplied(self, step: Mvm, matrix: Matrix) -> int:
        """Add a use of a matrix on banks."""
        builder, made = self._builder, self._made
        return builder.mvm(
            builder.matrix(
                matrix.name, matrix.outputs, matrix.inputs, groups=matrix.groups,
                bits=matrix.bits, scaling=matrix.scaling,
            ),
            made[step.source],
            gather=step.gather,
            bias=step.bias,
            gain=step.gain,
            scalar_gain=step.gain is not None and self._old.shapes[step.gain] == (),
            activation=step.activation,
            inject=None if step.inject is None else made[step.inject],
            residual=None if step.residual is None else (made[step.residual[0]], step.residual[1]),
            barrier=step.barrier,
        )  # fmt: skip

    def _computed(self, step: Mvm, matrix: Matrix) -> int:
        """Add a use of a matrix on the digital engine, with what follows it."""
        builder, made = self._builder, self._made
        names = [matrix.name] if step.bias is None else [matrix.name, step.bias]
        for name in names:
            builder.parameter(name, self._old.shapes[name])
        source = made[step.source]
        if step.gather is None:
            value = builder.digital("linear_digital", source, parameters=names)
        else:
            value = builder.digital(
                "conv_digital", source, parameters=names, kernel=step.gather.kernel,
                stride=step.gather.stride, padding=step.gather.padding,
                dilation=step.gather.dilation, groups=matrix.groups,
            )  # fmt: skip
        if step.inject is not None:
            value = builder.digital("add", value, made[step.inject])
        if step.activation is not None:
            value = builder.digital(step.activation, value)
        if step.residual is not None:
            added, factor = step.residual
            scaled = builder.digital("scale", made[added], factor=factor)
            value = builder.digital("add", value, scaled)
        return value

"""Delays of the parts of one machine: all of the hardware that timing reads.

Components fill this in once per run; delays never depend on data. There are no prices here and no
physics: a duration is an integer number of femtoseconds, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.errors import ScheduleError
from pnnsim.mapping.actions import ACTIONS, ENGINE_LANE, READOUT_LANE, TABLE

#: Lanes that the loop occupies by itself; a stage may not claim one of them.
LOOP_LANES = frozenset(a.lane.partition(".")[0] for a in TABLE if a.lane) - {
    ENGINE_LANE,
    READOUT_LANE,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Stage of a part: one lane that is busy with one action for a fixed time.

    Args:
        unit: Lane name; the part before the first dot is the component that pays for it.
        action: One of `pnnsim.mapping.actions.ACTIONS`.
        duration_fs: Time taken [fs].
    """

    unit: str
    action: str
    duration_fs: int


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays of one core, in the order in which a sample meets them.

    The stages of `input`, `encode` and `output` are run one after the other by one server each; no
    two of these servers share a lane but that of the digital engine, which maps inputs and outputs
    in turns. `propagate`, `mvm` and `detect` make up T_MM.

    Args:
        input: Stages of the front end, T_in; at least one.
        encode: Stages of the encoder, T_encode; exactly one has the action `encode`.
        propagate_fs: Way through switch and bank; occupies nothing [fs].
        mvm_fs: Response of the bank [fs].
        detect_fs: Settling, integration and capture by the detector [fs].
        activate_fs: Nonlinearity, T_nonlinearity [fs].
        hold_fs: Memory, or the round trip of a delay line, T_memory [fs].
        output: Stages from the last activation to the host, T_out; at least one.
        route_fs: Move of the switch to another bank, T_switch [fs].
        write_fs: Write of one logical bank, settling included, T_write [fs].
        enter: Stages of the encoder for a vector that comes from numbers, those of `encode` among
            them; as `encode` where it is not given.
        digitize_fs: Conversion of one captured vector to numbers that digital steps read [fs].
        double_buffered: Whether the encoder prepares the next symbol while a line keeps one.
    """

    input: tuple[Stage, ...]
    encode: tuple[Stage, ...]
    propagate_fs: int
    mvm_fs: int
    detect_fs: int
    activate_fs: int
    hold_fs: int
    output: tuple[Stage, ...]
    route_fs: int
    write_fs: int
    enter: tuple[Stage, ...] = ()
    digitize_fs: int = 0
    double_buffered: bool = False

    def __post_init__(self) -> None:
        _refuse_negative("propagate_fs", self.propagate_fs)
        _refuse_negative("mvm_fs", self.mvm_fs)
        _refuse_negative("detect_fs", self.detect_fs)
        _refuse_negative("activate_fs", self.activate_fs)
        _refuse_negative("hold_fs", self.hold_fs)
        _refuse_negative("route_fs", self.route_fs)
        _refuse_negative("write_fs", self.write_fs)
        _refuse_negative("digitize_fs", self.digitize_fs)
        for name, stages in self._stages().items():
            for index, stage in enumerate(stages):
                where = f"{name}[{index}]"
                _refuse_negative(f"{where}.duration_fs", stage.duration_fs)
                if stage.action not in ACTIONS:
                    raise ScheduleError(
                        f"delays.{where}.action: got '{stage.action}'; expected one of "
                        f"{', '.join(ACTIONS)}"
                    )
        encodes = [stage.action for stage in self.encode].count("encode")
        if not self.input or not self.output or encodes != 1:
            raise ScheduleError(
                f"delays: got {len(self.input)} input stages, {encodes} encode actions and "
                f"{len(self.output)} output stages; expected at least one input stage, exactly one "
                "encode action and at least one output stage"
            )
        strange = [stage for stage in self.encode if stage not in self.entering]
        if strange:
            raise ScheduleError(
                f"delays.enter: lacks {strange[0]}, a stage of encode; expected all of them, as a "
                "vector that comes from numbers is encoded like any other"
            )
        self._refuse_shared_lanes()

    def _stages(self) -> dict[str, tuple[Stage, ...]]:
        """Return the stages of each server, by the name of their field."""
        return {
            "input": self.input,
            "encode": self.encode,
            "enter": self.enter,
            "output": self.output,
        }

    def _refuse_shared_lanes(self) -> None:
        """Refuse a lane that two servers would occupy without waiting for each other."""
        owner: dict[str, str] = {}
        for field, stages in self._stages().items():
            name = "encode" if field == "enter" else field
            for stage in stages:
                if stage.unit == ENGINE_LANE and name != "encode":
                    continue
                other = owner.setdefault(stage.unit, name)
                taken = "the loop" if stage.unit.partition(".")[0] in LOOP_LANES else other
                if taken != name:
                    raise ScheduleError(
                        f"delays.{name}: got lane '{stage.unit}', which {taken} occupies as well; "
                        "expected lanes of its own. Hint: name the second converter apart, such as "
                        f"'{stage.unit}.{name}'"
                    )

    @property
    def input_fs(self) -> int:
        """Return T_in [fs]."""
        return sum(stage.duration_fs for stage in self.input)

    @property
    def entering(self) -> tuple[Stage, ...]:
        """Return the stages of the encoder for a vector that comes from numbers."""
        return self.enter or self.encode

    @property
    def encode_fs(self) -> int:
        """Return T_encode [fs]."""
        return sum(stage.duration_fs for stage in self.encode)

    @property
    def symbol_lane(self) -> str:
        """Return the lane of the symbols that lines keep; that of `encode` if it waits for them."""
        lane = next(stage.unit for stage in self.encode if stage.action == "encode")
        return f"{lane}.symbol" if self.double_buffered else lane

    @property
    def mm_fs(self) -> int:
        """Return T_MM, from departure at the encoder to capture at the detector [fs]."""
        return self.propagate_fs + self.mvm_fs + self.detect_fs

    @property
    def hold_symbol_fs(self) -> int:
        """Return how long the encoder must keep its symbol after departure [fs].

        A symbol that changed while bank and detector respond to it would be lost.
        """
        return self.mvm_fs + self.detect_fs

    @property
    def state_fs(self) -> int:
        """Return T_state = T_nonlinearity + T_memory + T_encode [fs]."""
        return self.activate_fs + self.hold_fs + self.encode_fs

    @property
    def output_fs(self) -> int:
        """Return T_out [fs]."""
        return sum(stage.duration_fs for stage in self.output)


def _refuse_negative(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ScheduleError(
            f"delays.{name}: got {value!r}; expected a whole number of femtoseconds from 0"
        )

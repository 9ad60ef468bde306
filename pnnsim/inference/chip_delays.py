"""Delays of a machine, from the times that its parts state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pnnsim.mapping.delays import Delays, Stage

if TYPE_CHECKING:
    from pnnsim.inference.chip import Chip


def delays_of(chip: Chip) -> Delays:
    """Return how long everything takes on a chip, in the order in which a sample meets it."""
    convert_fs = chip.encoder.delay_fs("convert")
    encode = Stage("encoder", "encode", chip.encoder.delay_fs("encode"))
    read_fs = chip.readout.delay_fs("convert")
    if chip.converts and chip.spec.readout.digital:
        read_fs += chip.nonlinearity.delay_fs("activate")
    analog, apart = chip.memory.analog, Stage("encoder.dac", "convert", convert_fs)
    if chip.converts:
        jobs = chip.passage.input, chip.passage.output
        into, out = (chip.front_end.job_fs(job.operations) for job in jobs)
        inputs: tuple[Stage, ...] = (Stage("front_end", "map_input", into),)
        outputs: tuple[Stage, ...] = (Stage("front_end", "map_output", out),)
    else:
        whole = Stage("encoder.dac", "convert", chip.conversions * convert_fs)
        into, out = (chip.front_end.delay_fs(f"map_{end}") for end in ("input", "output"))
        inputs = (Stage("front_end", "map_input", into), *((whole,) if analog else ()))
        outputs = (
            Stage("readout", "convert", read_fs),
            Stage("front_end", "map_output", out),
        )
    return Delays(
        input=inputs,
        encode=(encode,) if analog else (apart, encode),
        enter=(apart, encode) if chip.converts else (),
        propagate_fs=chip.weight_banks.delay_fs("propagate"),
        mvm_fs=chip.weight_banks.delay_fs("mvm"),
        detect_fs=chip.detector.delay_fs("detect"),
        activate_fs=chip.nonlinearity.delay_fs("activate"),
        hold_fs=chip.memory.delay_fs("hold"),
        output=outputs,
        route_fs=chip.switch.delay_fs("route"),
        write_fs=chip.write_fs(),
        digitize_fs=read_fs if chip.converts else 0,
        double_buffered=chip.spec.encoder.double_buffered,
    )

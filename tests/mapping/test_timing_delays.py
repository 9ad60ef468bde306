from __future__ import annotations

from dataclasses import replace

import pytest

from pnnsim.errors import ScheduleError
from pnnsim.mapping.delays import Stage
from tests.timing.machines import SMALL


def test_sums_follow_the_order_of_the_parts():
    # By hand from the table of SMALL.
    assert (SMALL.input_fs, SMALL.encode_fs, SMALL.output_fs) == (4, 2, 3)
    assert (SMALL.mm_fs, SMALL.hold_symbol_fs, SMALL.state_fs) == (1 + 1 + 2, 1 + 2, 2 + 1 + 2)


@pytest.mark.parametrize("value", [-1, 1.5, True, None])
def test_duration_is_a_whole_number_from_zero(value):
    with pytest.raises(ScheduleError, match=r"delays\.route_fs: got .* whole number"):
        replace(SMALL, route_fs=value)
    with pytest.raises(ScheduleError, match=r"delays\.output\[0\]\.duration_fs: got"):
        replace(SMALL, output=(Stage("readout", "convert", value),))


def test_unknown_action_is_refused():
    with pytest.raises(
        ScheduleError, match=r"input\[0\]\.action: got 'think'; expected one of map"
    ):
        replace(SMALL, input=(Stage("front_end", "think", 1),))


@pytest.mark.parametrize(
    "changes",
    [
        {"input": ()},
        {"output": ()},
        {"encode": ()},
        {"encode": (Stage("encoder", "encode", 1), Stage("encoder", "encode", 1))},
    ],
)
def test_missing_or_repeated_stages_are_refused(changes):
    with pytest.raises(ScheduleError, match="exactly one encode action"):
        replace(SMALL, **changes)


def test_two_servers_may_not_share_a_lane():
    dac = Stage("encoder.dac", "convert", 1)
    with pytest.raises(
        ScheduleError, match=r"delays\.encode: got lane 'encoder\.dac', which input"
    ):
        replace(SMALL, input=(*SMALL.input, dac), encode=(dac, *SMALL.encode))
    with pytest.raises(ScheduleError, match="lane 'detector', which the loop occupies"):
        replace(SMALL, output=(Stage("detector", "detect", 1),))


def test_a_vector_from_numbers_is_encoded_like_any_other():
    quick = Stage("encoder", "encode", SMALL.encode[0].duration_fs - 1)
    with pytest.raises(ScheduleError, match=r"delays.enter: lacks .* a stage of encode"):
        replace(SMALL, enter=(Stage("encoder.dac", "convert", 1), quick))

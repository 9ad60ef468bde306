"""Damage of files without a seal: texts, tables, ONNX, archives, databases.

A damaged one must be refused with an error of the library, or be read as something that is sound:
what that is, each kind says for itself in `damage_plain_subjects.py`.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

#: What stands where a number or a word stood.
WORDS = (
    "nan", "inf", "-inf", "1e999", "-1e999", "-1", "0", "1e-320", "1e308", "9" * 400, "0x10", "",
    " ", "abc", "1,5", "1 2", "\u0661", "\x1b[31m", "\u202e", "#", '"', "'", "\x00", "=1+1", "1e5",
    "true", "None", "-0.0", "2.5", "1" + "0" * 30,
)  # fmt: skip

#: What stands where a value of JSON stood.
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3.5, 10**18, 10**40, 1e300, 1e-300, float("nan"), float("inf"),
    "", "text", "\x1b]0;title\x07", "\u202e", "a" * 5000, "1", [], {}, [[]], [1], ["a"], {"a": 1},
    [0] * 50, "machine", "relu", "__class__",
)  # fmt: skip


def damaged_lines(raw: bytes, draw: random.Random) -> bytes:
    """Change lines or cells of a text as an editor, a spreadsheet or a bad copy does."""
    lines = raw.decode("utf-8", "replace").split("\n")
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        match draw.randrange(8):
            case 0:
                lines[at], lines[other] = lines[other], lines[at]
            case 1:
                del lines[at]
                lines = lines or [""]
            case 2:
                lines.insert(other, lines[at])
            case 3:
                lines[at] = lines[at].replace(",", draw.choice((";", "\t", " ", ",,")))
            case 4:
                lines[at] += draw.choice((",1", ",", " #", "\r", "\t", "\x85", " s", "e400"))
            case _:
                cells = lines[at].split(",")
                cells[draw.randrange(len(cells))] = draw.choice(WORDS)
                lines[at] = ",".join(cells)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def damaged_column(raw: bytes, draw: random.Random) -> bytes:
    """Change a column of a table everywhere: its number, its name, its unit, its scale."""
    rows = [line.split(",") for line in raw.decode("utf-8", "replace").split("\n")]
    at = draw.randrange(len(rows[0]))
    match draw.randrange(5):
        case 0:
            word = draw.choice(WORDS)
            rows = [rows[0], *([*row[:at], word, *row[at + 1 :]] for row in rows[1:])]
        case 1:
            rows[0][at] = draw.choice(
                ("time [s]", "power [nm]", "current [A]", "x", "", "cell", "[", "through [dB",
                 "current [1e400 A]", "voltage [mV] [V]")
            )  # fmt: skip
        case 2:
            rows = [[*row[:at], *row[at + 1 :]] for row in rows]
        case 3:
            far = draw.choice(("e30", "e300", "e-300"))
            rows = [rows[0], *([*row[:at], f"{row[at]}{far}", *row[at + 1 :]]
                               for row in rows[1:] if len(row) > at)]  # fmt: skip
        case 4:
            rows = [rows[0], *(rows[1:][::-1] if draw.random() < 0.5 else rows[1:2] * 3)]
    return "\n".join(",".join(row) for row in rows).encode()


def damaged_json(raw: bytes, draw: random.Random) -> bytes:
    """Change what a JSON text holds."""
    content = json.loads(raw)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        places = list(_places(content))
        if not places:
            break
        above, key = draw.choice(places)
        match draw.randrange(7):
            case 0 if isinstance(above, dict):
                above[draw.choice(("more", "\x1b[2J", "", "pnnsim_workload"))] = copy.deepcopy(
                    above[key]
                )
            case 1:
                del above[key]
            case 2 if isinstance(above[key], int | float) and not isinstance(above[key], bool):
                above[key] += draw.choice((-1, 1, 0.5, 1e30, -100, 7, 10**9))
            case 3:
                other, name = draw.choice(places)
                above[key] = copy.deepcopy(other[name]) if _has(other, name) else None
            case 4:
                deep: Any = above[key]
                for _ in range(draw.choice((1, 2, 9, 60))):
                    deep = draw.choice(([deep], {"a": deep}))
                above[key] = deep
            case 5 if isinstance(above, list):
                above[:] = draw.choice((above[::-1], above * 2, above[:1], above[1:]))
            case _:
                above[key] = copy.deepcopy(draw.choice(VALUES))
    text = json.dumps(content)
    if draw.random() < 0.1:
        text = draw.choice(("\ufeff", "[", "//", "")) + text.replace(
            draw.choice(('"', ":", ",", "}")), draw.choice(("'", "", ",,", "}}")), 1
        )
    return text.encode("utf-8", "surrogatepass")


def _has(above: Any, key: Any) -> bool:
    return key in above if isinstance(above, dict) else key < len(above)


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Return the holder and the key of everything within."""
    found = []
    waiting = [content]
    while waiting:
        above = waiting.pop()
        if isinstance(above, dict):
            inner = list(above.items())
        elif isinstance(above, list):
            inner = list(enumerate(above))
        else:
            continue
        for key, value in inner:
            found.append((above, key))
            waiting.append(value)
    return found


#: Ways of damage by what stands in a file, beside those of bytes.
WAYS: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
    "bytes": (),
    "lines": (damaged_lines,),
    "table": (damaged_lines, damaged_column),
    "json": (damaged_json,),
}

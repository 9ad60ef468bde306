"""What an instrument reports about itself: the error queue and the event register.

SCPI-1999, volume 2, chapter 21.8 (errors); IEEE 488.2, section 11.5 (events).
"""

from __future__ import annotations

from collections import deque

#: Errors that this instrument reports.
TEXTS = {
    0: "No error",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -151: "Invalid string data",
    -161: "Invalid block data",
    -203: "Command protected",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -310: "System error",
    -350: "Queue overflow",
}

#: Errors that are kept; a client that never reads them must not fill the memory.
_LENGTH = 32

#: Bits of the event register, by the hundreds of the error's number.
_EVENT = {1: 0x20, 2: 0x10, 3: 0x08, 4: 0x04}
_COMPLETE, _POWER_ON = 0x01, 0x80


class ScpiError(Exception):
    """Reason why a command cannot be executed.

    Args:
        number: One of `TEXTS`.
        detail: What is wrong, for a person.
    """

    def __init__(self, number: int, detail: str = "") -> None:
        self.number = number
        self.detail = detail
        super().__init__(f"{number}: {detail}")


class Status:
    """Status of one client's session."""

    def __init__(self) -> None:
        self._errors: deque[str] = deque()
        self._events = _POWER_ON
        self.event_mask = 0
        self.service_mask = 0

    def report(self, error: ScpiError) -> None:
        """Put an error into the queue; the last place says if there were more."""
        self._events |= _EVENT.get(-error.number // 100, 0)
        if len(self._errors) == _LENGTH:
            self._errors[-1] = _line(-350, "")
            return
        self._errors.append(_line(error.number, error.detail))

    def complete(self) -> None:
        """Take note that all is done."""
        self._events |= _COMPLETE

    def clear(self) -> None:
        """Clear errors and events."""
        self._errors.clear()
        self._events = 0

    def next_error(self) -> str:
        """Return the oldest error and remove it."""
        return self._errors.popleft() if self._errors else _line(0, "")

    def errors(self) -> int:
        """Return how many errors wait."""
        return len(self._errors)

    def take_events(self) -> int:
        """Return the event register and clear it."""
        events, self._events = self._events, 0
        return events

    def byte(self) -> int:
        """Return the status byte: errors wait (4), an enabled event (32), service wanted (64)."""
        found = 0x04 if self._errors else 0
        found |= 0x20 if self._events & self.event_mask else 0
        return found | (0x40 if found & self.service_mask else 0)


def _line(number: int, detail: str) -> str:
    text = TEXTS[number]
    # One line of ASCII without quotes, whatever a message has brought along.
    clean = "".join(c if " " <= c <= "~" and c != '"' else "." for c in detail)[:160]
    return f'{number},"{text}; {clean}"' if clean else f'{number},"{text}"'

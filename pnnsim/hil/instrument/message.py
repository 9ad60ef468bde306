"""Cut a stream of bytes into messages, and messages into commands and arguments.

A message ends with a line feed. Numbers in bulk travel as definite blocks, `#<n><length><bytes>`
(IEEE 488.2, section 7.7.6), which may hold any byte. What a command does is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pnnsim.hil.instrument.status import ScpiError

#: Longest text between blocks. Commands are short; what is longer is no command.
TEXT_LIMIT = 4096

_HEADER = re.compile(rb":?[A-Za-z*][A-Za-z0-9_*]*(:[A-Za-z][A-Za-z0-9_]*)*\??")
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")

#: Beginnings of what other protocols send and SCPI never does: methods and header fields of HTTP,
#: whichever way their request line ends, and the handshake of TLS.
_FOREIGN = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI)[ \t]"
    rb"|[A-Za-z][A-Za-z0-9_-]*:[ \t]"
    rb"|[!-~]{1,4096} [!-~]{1,4096} HTTP/[0-9]"
    rb"|\x16\x03[\x00-\x04]"
)

Argument = float | str | bytes


class ForeignProtocolError(Exception):
    """Sign that a stream is of another protocol, such as a web page's request to this port."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a message.

    Args:
        header: In capitals, without a leading colon; ends with `?` where a response is due.
        arguments: Numbers, words and quoted text as text, blocks as bytes.
    """

    header: str
    arguments: tuple[Argument, ...]


class Splitter:
    """Splitter of a stream into messages; what cannot be one is an error, and the stream goes on.

    Args:
        limit: Most bytes in the blocks of one message; may be changed between messages.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._place = 0
        self._text = 0
        self._bulk = 0
        self._quoted = 0
        self._lost = False

    @property
    def pending(self) -> bool:
        """Return whether part of a message has come."""
        return bool(self._buffer) or self._lost

    def reset(self) -> None:
        """Drop what has come of an unfinished message."""
        self._start(b"")
        self._lost = False

    def feed(self, data: bytes) -> Iterator[bytes | ScpiError]:
        """Yield the messages, without their line feeds, that some more bytes complete.

        Raises:
            ForeignProtocolError: Where one begins as no SCPI message does. Nothing behind that is a
                command, even if it looks like one: it may be what a web page sends.
        """
        self._buffer += data
        while True:
            if self._lost:
                end = self._buffer.find(b"\n")
                if end < 0:
                    self._start(b"")
                    return
                self._start(bytes(self._buffer[end + 1 :]))
                self._lost = False
            if _FOREIGN.match(self._buffer):
                raise ForeignProtocolError
            try:
                stop = self._end()
            except ScpiError as error:
                # Resynchronize at the next line feed after what was understood.
                self._start(bytes(self._buffer[self._place :]))
                self._lost = True
                yield error
                continue
            if stop is None:
                return
            message = bytes(self._buffer[:stop])
            self._start(bytes(self._buffer[stop + 1 :]))
            yield message.removesuffix(b"\r")

    def _start(self, rest: bytes) -> None:
        self._buffer[:] = rest
        self._place = self._text = self._bulk = self._quoted = 0

    def _end(self) -> int | None:
        """Return where the message ends, None if that has not come yet."""
        buffer = self._buffer
        while self._place < len(buffer):
            byte = buffer[self._place]
            if byte == 0x0A:
                return self._place
            if byte == 0x23 and not self._quoted and _opens(buffer, self._place):
                after = self._block(self._place)
                if after is None:
                    return None
                self._place = after
                continue
            if self._quoted:
                self._quoted = 0 if byte == self._quoted else self._quoted
            elif byte in b"\"'":
                self._quoted = byte
            self._place += 1
            self._text += 1
            if self._text > TEXT_LIMIT:
                raise ScpiError(-223, f"more than {TEXT_LIMIT} characters without a line feed")
        return None

    def _block(self, start: int) -> int | None:
        """Return the place behind a block, None if it has not all come."""
        header = _block_header(self._buffer, start)
        if header is None:
            return None
        first, length = header
        # Of all blocks of the message: many that are allowed would fill the memory as one does.
        if self._bulk + length > self.limit:
            raise ScpiError(
                -223, f"{self._bulk + length} bytes in blocks; at most {self.limit} in a message"
            )
        if len(self._buffer) < first + length:
            return None
        self._bulk += length
        return first + length


def parse(message: bytes) -> Iterator[Command]:
    """Yield the commands of one message, which are separated by semicolons.

    Every command starts at the root of the tree, with a leading colon or without.

    Raises:
        ScpiError: Where the message makes no sense; the commands before that have been yielded.
    """
    place = 0
    while place < len(message):
        place = _blank(message, place)
        if place == len(message):
            return
        if message[place] == 0x3B:
            place += 1
            continue
        found = _HEADER.match(message, place)
        if found is None:
            raise ScpiError(-102, "expected a command")
        place = found.end()
        header = found.group().decode("ascii").upper().removeprefix(":")
        arguments: list[Argument] = []
        if place < len(message) and message[place] not in b" \t;":
            raise ScpiError(-102, f"unexpected character after {header}")
        place = _blank(message, place)
        while place < len(message) and message[place] != 0x3B:
            argument, place = _argument(message, place)
            arguments.append(argument)
            place = _blank(message, place)
            if place < len(message) and message[place] == 0x2C:
                place = _blank(message, place + 1)
                if place == len(message) or message[place] == 0x3B:
                    raise ScpiError(-102, f"{header}: nothing behind a comma")
            elif place < len(message) and message[place] != 0x3B:
                raise ScpiError(-102, f"{header}: expected a comma or the end")
        yield Command(header, tuple(arguments))


def block(data: bytes) -> bytes:
    """Return bytes as a definite block."""
    length = str(len(data)).encode("ascii")
    return b"#" + str(len(length)).encode("ascii") + length + data


def _argument(message: bytes, place: int) -> tuple[Argument, int]:
    """Return one argument and the place behind it."""
    byte = message[place]
    if byte == 0x23:
        header = _block_header(message, place)
        if header is None or header[0] + header[1] > len(message):
            raise ScpiError(-161, "a block is shorter than it says")
        first, length = header
        return message[first : first + length], first + length
    if byte in b"\"'":
        end = message.find(byte, place + 1)
        if end < 0:
            raise ScpiError(-151, "a text has no closing quote")
        try:
            return message[place + 1 : end].decode("ascii"), end + 1
        except UnicodeDecodeError as error:
            raise ScpiError(-151, "a text is not ASCII") from error
    number = _NUMBER.match(message, place)
    if number is not None:
        return float(number.group()), number.end()
    word = _WORD.match(message, place)
    if word is not None:
        return word.group().decode("ascii").upper(), word.end()
    raise ScpiError(-102, "expected a number, a word, a text or a block")


def _opens(message: bytes | bytearray, place: int) -> bool:
    """Return whether a `#` stands where an argument may begin."""
    return place > 0 and message[place - 1] in b" \t,"


def _block_header(message: bytes | bytearray, place: int) -> tuple[int, int] | None:
    """Return the first byte and the length of a block, None if its header has not all come."""
    if len(message) < place + 2:
        return None
    digits = message[place + 1] - 0x30
    if not 1 <= digits <= 9:
        raise ScpiError(-161, "a block begins with # and the number of digits of its length")
    first = place + 2 + digits
    if len(message) < first:
        if not bytes(message[place + 2 :]).isdigit() and len(message) > place + 2:
            raise ScpiError(-161, "the length of a block is not a number")
        return None
    length = bytes(message[place + 2 : first])
    if not length.isdigit():
        raise ScpiError(-161, "the length of a block is not a number")
    return first, int(length)


def _blank(message: bytes, place: int) -> int:
    while place < len(message) and message[place] in b" \t\r":
        place += 1
    return place

"""From bytes to lines of 94 characters, keeping what the bytes looked like.

A line ends with a line feed, a carriage return, both, or after 94 characters: files without any line ending exist, and
so do files whose lines have blanks too many or too few. Blank lines are kept with the line before them.

Characters outside ASCII: a file is read as UTF-8 when its first 1,024 bytes have some and are UTF-8; otherwise each
byte is a character. Either way every byte is written back as it was.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ecosystem.kernel.nacha.layouts import LENGTH
from ecosystem.kernel.nacha.records import BLANKS

SNIFFED_BYTES = 1024
ENDING_MAX = 1_000


class Line(NamedTuple):
    """A line: its 94 columns, how many trailing blanks the bytes lacked, what followed, and its number.

    `length` is how many characters the line had where that is not 94, and 0 otherwise.
    """

    text: str
    cut: int
    ending: str
    number: int
    length: int


class Lines:
    """The lines of one file. `encoding` is known as soon as the first line is."""

    def __init__(self) -> None:
        self.encoding = "ascii"

    def of(self, chunks: Iterable[bytes]) -> Iterator[Line]:
        """The lines of these bytes, with no more of them in memory than a chunk and a line."""
        cutting = _Cutting()
        for text in self._decoded(chunks):
            yield from cutting.taken(text)
        yield from cutting.rest()

    def _decoded(self, chunks: Iterable[bytes]) -> Iterator[str]:
        decoder: codecs.IncrementalDecoder | None = None
        head = b""
        for chunk in chunks:
            if decoder is None:
                head += chunk
                if len(head) < SNIFFED_BYTES:
                    continue
                decoder = self._decoder(head)
                yield decoder.decode(head)
            else:
                yield decoder.decode(chunk)
        if decoder is None:
            decoder = self._decoder(head)
            yield decoder.decode(head)
        yield decoder.decode(b"", final=True)

    def _decoder(self, head: bytes) -> codecs.IncrementalDecoder:
        self.encoding = "utf-8" if _looks_like_utf8(head[:SNIFFED_BYTES]) else "latin-1"
        return codecs.getincrementaldecoder(self.encoding)("surrogateescape")


def _looks_like_utf8(head: bytes) -> bool:
    """Whether these first bytes have characters outside ASCII and are UTF-8, the last of them perhaps by half."""
    for back in range(1, min(4, len(head)) + 1):
        if head[-back] < 0x80:
            break
        if head[-back] >= 0xC0:
            head = head[:-back]
            break
    if head.isascii():
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Cutting:
    """Cuts text into lines. A line is handed out when the next one begins, so that its ending is whole."""

    def __init__(self) -> None:
        self._carried = ""
        self._text = ""
        self._cut = 0
        self._ending = ""
        self._number = 0
        self._length = 0
        self._count = 0
        self._is_within = False

    def taken(self, text: str) -> Iterator[Line]:
        parts = (self._carried + text).split("\n")
        self._carried = parts.pop()
        for part in parts:
            if len(part) == LENGTH and "1" <= part[0] <= "9" and "\r" not in part and not self._is_within:
                # The usual line, without a detour.
                if self._number or self._ending:
                    yield self._line()
                self._count += 1
                self._text, self._cut, self._ending, self._number, self._length = part, 0, "\n", self._count, 0
            else:
                yield from self._cut_up(part, "\n")
        yield from self._cut_ahead()

    def _cut_ahead(self) -> Iterator[Line]:
        """Cut what needs no more text to be known; a line without end is cut as it comes."""
        ended = self._carried.rfind("\r", 0, -1) + 1
        if ended:
            ready, self._carried = self._carried[: ended - 1], self._carried[ended:]
            yield from self._cut_up(ready, "\r")
        size = len(self._carried.removesuffix("\r"))
        if size > LENGTH:
            whole = (size - 1) // LENGTH * LENGTH
            ready, self._carried = self._carried[:whole], self._carried[whole:]
            yield from self._cut_piece(ready, "")

    def rest(self) -> Iterator[Line]:
        """What is left at the end of the file."""
        if self._carried:
            yield from self._cut_up(self._carried, "")
        if self._number or self._ending:
            yield self._line()

    def _cut_up(self, part: str, ending: str) -> Iterator[Line]:
        if ending == "\n" and part.endswith("\r"):
            part, ending = part[:-1], "\r\n"
        *before, last = part.split("\r")
        for piece in before:
            yield from self._cut_piece(piece, "\r")
        if last or ending:
            yield from self._cut_piece(last, ending)

    def _cut_piece(self, piece: str, end: str) -> Iterator[Line]:
        for at in range(0, max(len(piece), 1), LENGTH):
            now = piece[at : at + LENGTH]
            after = end if at + LENGTH >= len(piece) else ""
            short = LENGTH - len(now)
            is_blank = not now.strip(BLANKS)
            # What is left over of a line that is too long is on that line still.
            if not self._is_within or not (short or is_blank):
                self._count += 1
            self._is_within = True
            if is_blank:
                yield from self._blank(now + after)
                continue
            if self._number or self._ending:
                yield self._line()
            self._text, self._cut, self._ending = now + " " * short, short, after
            self._number, self._length = self._count, len(now) if short else 0
        if end:
            self._is_within = False

    def _blank(self, text: str) -> Iterator[Line]:
        self._ending += text
        if len(self._ending) > ENDING_MAX:
            yield self._line()

    def _line(self) -> Line:
        made = Line(self._text, self._cut, self._ending, self._number, self._length)
        self._text, self._cut, self._ending, self._number, self._length = "", 0, "", 0, 0
        return made

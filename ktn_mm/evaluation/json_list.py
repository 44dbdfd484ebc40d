"""Read a JSON list entry by entry: memory for one entry, not for the file."""
import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

CHUNK = 1 << 20
"""Bytes that are read at a time."""
_LONGEST_WORD = 16
"""More characters than any number-free word or escape of JSON has."""
_IN_NUMBERS = '+-.0123456789Ee'
_SPACE = re.compile(r'[ \t\n\r]*')
_SCAN = json.JSONDecoder().raw_decode


def iterate_list(path: str | Path) -> Iterator[tuple[Any, int]]:
    """Yield the entries of a file that holds one JSON list.

    Yields:
        An entry, and how many bytes of the file have been read by then.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it holds no JSON list; with the reason, without the file's name.
    """
    with open(path, 'rb') as file:
        text = _Text(file)
        if text.peek() != '[':
            found = {'': 'nothing', '{': 'an object'}.get(text.peek(), 'something else')
            raise ValueError(f'it must hold a list [...], it holds {found}')
        text.at += 1
        mark = ','
        if text.peek() == ']':
            mark = ']'
            text.at += 1
        while mark == ',':
            yield text.value(), file.tell()
            mark = text.peek()
            text.at += 1
        if mark != ']' or text.peek():
            what = "neither ',' nor ']' after an entry" if mark != ']' else 'text after the list'
            raise ValueError(f'{what} at character {text.dropped + text.at}')


class _Text:
    """A window on a file's text that slides on as values are taken from it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        # Windows' editors begin a file with a mark.
        self.decode = codecs.getincrementaldecoder('utf-8-sig')().decode
        self.text, self.at, self.dropped = '', 0, 0
        self.ended = False

    def more(self) -> None:
        """Slide on; by as much as is kept, so that no long entry is scanned many times."""
        chunk = self.file.read(max(CHUNK, len(self.text) - self.at))
        self.ended = not chunk
        self.text = self.text[self.at:] + self.decode(chunk, final=self.ended)
        self.dropped, self.at = self.dropped + self.at, 0

    def peek(self) -> str:
        """Skip white space; return the next character, '' at the end."""
        while True:
            self.at = _SPACE.match(self.text, self.at).end()
            if self.at < len(self.text) or self.ended:
                return self.text[self.at:self.at + 1]
            self.more()

    def value(self) -> Any:
        """Take the next value."""
        self.peek()
        while True:
            try:
                value, end = _SCAN(self.text, self.at)
            except json.JSONDecodeError as error:
                cut_off = (error.msg.startswith('Unterminated string')
                           or error.pos > len(self.text) - _LONGEST_WORD)
                if self.ended or not cut_off:
                    raise ValueError(
                        f'{error.msg} at character {self.dropped + error.pos}') from error
            except RecursionError as error:
                raise ValueError('an entry is nested too deeply') from error
            else:
                # At the end of the window this is '', which is in every text.
                goes_on = self.text[end:end + 1] in _IN_NUMBERS
                if self.ended or not goes_on:
                    self.at = end
                    return value
            self.more()

"""Word vectors: the few that ship with the package, and readers for whole files."""
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .nodes import Node

WORD_VECTORS_FILE = Path(__file__).parent / 'data' / 'body_words.glove.txt'
"""GloVe 6B, 100 dimensions, the words that the nodes need (see NOTICE.md beside it)."""

Entries = Iterator[tuple[str, np.ndarray]]


def load_word_vectors(path: str | Path | None = None,
                      words: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Read word vectors of GloVe's text or word2vec's text or binary format.

    Args:
        path: the file; ``.bin`` means word2vec's binary format, ``.gz`` behind it or behind a
            text's name that it is compressed. The shipped words by default.
        words: the words to keep, all by default. A large file is read as a stream, and only
            as far as needed.

    Returns:
        word -> (d,) float32.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line does not hold a vector, a vector has no direction, or a wanted
            word is missing.
    """
    path = Path(path or WORD_VECTORS_FILE)
    if not path.is_file():
        raise FileNotFoundError(f'no word vectors at {path}')
    wanted = None if words is None else set(words)
    binary = path.name.removesuffix('.gz').endswith('.bin')
    read = _binary_entries if binary else _text_entries
    vectors: dict[str, np.ndarray] = {}
    try:
        for word, vector in read(path, wanted):
            vectors.setdefault(word, vector)
            if wanted is not None and len(vectors) == len(wanted):
                break
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f'{path}: cut off or broken: {error}') from error
    for word, vector in vectors.items():
        if not np.isfinite(vector).all() or not vector.any():
            raise ValueError(f'{path}: the vector for {word!r} has no direction: its numbers are '
                             'not finite, or all 0')
    missing = sorted((wanted or set()) - set(vectors))
    if missing:
        raise ValueError(f'{path} holds no vector for: {", ".join(missing)}')
    return vectors


def _open(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == '.gz' else path.open('rb')


def _text_entries(path: Path, wanted: set[str] | None) -> Entries:
    size = None
    starts = None if wanted is None else {w.encode().split(b' ')[0] for w in wanted}
    # by bytes: words may hold whatever else ends a line of text
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if size and starts is not None and line.split(b' ', 1)[0] not in starts:
                continue  # most lines of a full file
            # from the right: some words of GloVe's largest files hold spaces
            fields = line.rstrip().rsplit(b' ', size or -1)
            if number == 1 and len(fields) == 2:
                continue  # word2vec's text format starts with its two sizes
            size = size or len(fields) - 1
            word = fields[0].decode('utf-8', 'replace')
            if wanted is not None and word not in wanted:
                continue
            if len(fields) - 1 != size:
                raise ValueError(f'{path}:{number}: {len(fields) - 1} values for {word!r}, '
                                 f'{size} in the lines before')
            try:
                yield word, np.array(fields[1:], np.float32)
            except ValueError as error:
                raise ValueError(f'{path}:{number}: not a vector: {error}') from error


def _binary_entries(path: Path, wanted: set[str] | None) -> Entries:
    with _open(path) as file:
        try:
            count, size = map(int, file.readline().split())
        except ValueError as error:
            raise ValueError(f'{path}: no word2vec header in the first line') from error
        if size < 1:
            raise ValueError(f'{path}: vectors of {size} values, says its first line')
        for _ in range(count):
            letters = bytearray()
            while (letter := file.read(1)) not in (b' ', b''):
                if letter != b'\n':
                    letters += letter
            values = file.read(4 * size)
            if len(values) < 4 * size:
                raise ValueError(f'{path}: ends before its {count} vectors of {size} values')
            word = letters.decode('utf-8', 'replace')
            if wanted is None or word in wanted:
                yield word, np.frombuffer(values, '<f4').copy()


def embed(nodes: list[Node], vectors: dict[str, np.ndarray]) -> np.ndarray:
    """Concatenate the word vectors of every node's name.

    Args:
        nodes: n nodes.
        vectors: word -> (d,).

    Returns:
        (n, 4 d) float64.

    Raises:
        ValueError: if a word has no vector.
    """
    missing = sorted({w for node in nodes for w in node} - set(vectors))
    if missing:
        raise ValueError(f'no word vector for: {", ".join(missing)}')
    return np.array([np.concatenate([vectors[w] for w in node]) for node in nodes], np.float64)

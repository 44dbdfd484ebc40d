"""Word vectors: the few that ship with the package, and readers for whole files."""
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .nodes import Node

WORD_VECTORS_FILE = Path(__file__).parent / 'data' / 'body_words.glove.txt'
"""GloVe 6B, 100 dimensions, the words that the nodes need (see NOTICE.md beside it)."""


def load_word_vectors(path: str | Path | None = None,
                      words: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Read word vectors of GloVe's text or word2vec's text or binary format.

    Args:
        path: the file; ``.bin`` means word2vec's binary format. The shipped words by default.
        words: the words to keep, all by default. A large file is read as a stream, and only
            as far as needed.

    Returns:
        word -> (d,) float32.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line does not hold a vector or a wanted word is missing.
    """
    path = Path(path or WORD_VECTORS_FILE)
    if not path.is_file():
        raise FileNotFoundError(f'no word vectors at {path}')
    wanted = None if words is None else set(words)
    read = _binary_entries if path.suffix == '.bin' else _text_entries
    vectors: dict[str, np.ndarray] = {}
    for word, vector in read(path, wanted):
        vectors.setdefault(word, vector)
        if wanted is not None and len(vectors) == len(wanted):
            break
    missing = sorted((wanted or set()) - set(vectors))
    if missing:
        raise ValueError(f'{path} holds no vector for: {", ".join(missing)}')
    return vectors


def _text_entries(path: Path, wanted: set[str] | None):
    size = None
    with path.open(encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            word, *values = line.rstrip().split(' ')
            if number == 1 and len(values) == 1:
                continue  # word2vec's text format starts with its two sizes
            size = size or len(values)
            if wanted is not None and word not in wanted:
                continue
            if len(values) != size:
                raise ValueError(f'{path}:{number}: {len(values)} values for {word!r}, '
                                 f'{size} in the lines before')
            try:
                yield word, np.array(values, np.float32)
            except ValueError as error:
                raise ValueError(f'{path}:{number}: not a vector: {error}') from error


def _binary_entries(path: Path, wanted: set[str] | None):
    with path.open('rb') as file:
        try:
            count, size = map(int, file.readline().split())
        except ValueError as error:
            raise ValueError(f'{path}: no word2vec header in the first line') from error
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

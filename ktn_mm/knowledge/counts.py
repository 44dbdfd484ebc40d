"""How often pictures show two body words together: Visual Genome's relationships."""
import json
from collections.abc import Iterable, Iterator
from itertools import chain, combinations_with_replacement
from pathlib import Path
from typing import TextIO

import numpy as np

from .nodes import Node

COUNTS_FILE = Path(__file__).parent / 'data' / 'visual_genome_counts.json'
"""The figures that ship with the package (see NOTICE.md beside it)."""

RELATED_WORDS = dict(
    shoulder=('torso', 'body'), elbow=('arm',), wrist=('hand', 'forearm'),
    hip=('buttocks', 'arse', 'ass', 'thigh'), knee=('lap', 'crus', 'shank', 'shin'),
    ankle=('foot',), person=('body', 'human'))
"""Words that stand for a keypoint or a person where pictures are described."""

RELATED_SURFACE_WORDS = dict(
    torso=('body', 'shoulder', 'hip'), hand=('glove', 'gesture'), foot=('ankle',),
    arm=('elbow',), head=('brain', 'neck'))
"""Words that stand for a surface."""

_LONGEST_ITEM = 1 << 24
"""Characters; an image of Visual Genome has some 10,000. Bounds memory where JSON is broken."""

PairCounts = dict[frozenset[str], int]


def load_counts(path: str | Path | None = None) -> PairCounts:
    """Read counts of unordered pairs of words.

    Args:
        path: JSON with ``pairs``: ``{"word|word": count}``. The shipped figures by default.

    Returns:
        {word, word} -> how many relationships join the two; one word for a pair of equals.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if an entry is not a pair with a count.
    """
    path = Path(path or COUNTS_FILE)
    if not path.is_file():
        raise FileNotFoundError(f'no pair counts at {path}')
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: no JSON: {error}') from error
    pairs = content.get('pairs') if isinstance(content, dict) else None
    if not isinstance(pairs, dict):
        raise ValueError(f'{path}: no table "pairs"')
    counts: PairCounts = {}
    for key, count in pairs.items():
        words = key.split('|')
        if len(words) != 2 or not isinstance(count, int) or count < 0:
            raise ValueError(f'{path}: pairs[{key!r}] = {count!r} is no count of two words')
        counts[frozenset(words)] = count
    return counts


def count_relationships(file: TextIO, words: Iterable[str]) -> PairCounts:
    """Count the pairs of words that Visual Genome's relationships join.

    Args:
        file: ``relationships.json``, read as a stream (the file is about 700 MB).
        words: the words of interest; both ends of a relationship must be among them.

    Returns:
        {word, word} -> count for every pair of the words, 0 for those that nothing joins; order
        and predicate do not matter.

    Raises:
        ValueError: if the text is no JSON list of images with relationships, or has none.
    """
    wanted = set(words)
    counts = {frozenset(pair): 0 for pair in combinations_with_replacement(sorted(wanted), 2)}
    seen = 0
    for image in _json_items(file):
        if not isinstance(image, dict) or not isinstance(image.get('relationships'), list):
            raise ValueError('every image must have "relationships", as in Visual Genome\'s '
                             f'relationships.json, got {str(image)[:60]!r}')
        for relation in image['relationships']:
            if not isinstance(relation, dict) or not all(
                    isinstance(relation.get(end, {}), dict) for end in ('subject', 'object')):
                raise ValueError('every relationship must join a "subject" and an "object", got '
                                 f'{str(relation)[:60]!r}')
            pair = frozenset(_name(relation.get(end, {})) for end in ('subject', 'object'))
            if pair <= wanted:
                counts[pair] += 1
            seen += 1
    if not seen:
        raise ValueError('there is no relationship in it')
    return counts


def counted_words(nodes: list[Node], surfaces: list[Node]) -> set[str]:
    """Return every word whose counts say something about these nodes and surfaces."""
    return set(chain.from_iterable(
        (node.noun, *related.get(node.noun, ()))
        for group, related in ((nodes, RELATED_WORDS), (surfaces, RELATED_SURFACE_WORDS))
        for node in group))


def pair_matrix(nodes: list[Node], surfaces: list[Node], counts: PairCounts) -> np.ndarray:
    """Spread counts of words over the nodes and surfaces that they name.

    A pair counts if it joins the two nouns, or one noun and a word related to the other. Unlike
    in the official code both ends must match: 'hand on table' says nothing about wrists.

    Args:
        nodes: n nodes.
        surfaces: m surfaces.
        counts: {word, word} -> count.

    Returns:
        (n, m) float64 counts, NaN where no such pair is among the counts.
    """
    def count(node: Node, surface: Node) -> float:
        pairs = {frozenset((node.noun, surface.noun))}
        pairs |= {frozenset((w, surface.noun)) for w in RELATED_WORDS.get(node.noun, ())}
        pairs |= {frozenset((node.noun, w))
                  for w in RELATED_SURFACE_WORDS.get(surface.noun, ())}
        known = [counts[pair] for pair in pairs if pair in counts]
        return sum(known) if known else np.nan

    return np.array([[count(n, s) for s in surfaces] for n in nodes], np.float64)


def _name(end: dict) -> str:
    names = end.get('names') or [end.get('name', '')]
    if not isinstance(names, list):
        raise ValueError(f'"names" of an object must be a list, got {str(end)[:60]!r}')
    return str(names[0]).strip().lower()


def _json_items(file: TextIO, chunk: int = 1 << 20) -> Iterator[dict]:
    """Yield the items of a JSON list one by one, holding little more than a chunk of its text."""
    decoder, text, place, end = json.JSONDecoder(), '', 0, False
    separators, started = ' \t\r\n', False
    while True:
        while place < len(text) and text[place] in separators:
            place += 1
        if place < len(text):
            if not started:
                if text[place] != '[':
                    raise ValueError('relationships must be a JSON list of images')
                started, separators, place = True, ' \t\r\n,', place + 1
                continue
            if text[place] == ']':
                return
            try:
                item, place = decoder.raw_decode(text, place)
            except json.JSONDecodeError as error:
                if end or len(text) - place > _LONGEST_ITEM:
                    raise ValueError(f'relationships hold broken JSON, {error.msg}, after '
                                     f'{text[max(error.pos - 60, 0):error.pos]!r}') from error
            else:
                yield item
                continue
        elif end:
            raise ValueError('relationships end before their list does')
        more = file.read(chunk)
        text, place, end = text[place:] + more, 0, not more

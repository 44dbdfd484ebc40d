"""A file laid out as Visual Genome's relationships.json, with words drawn at random."""
import json
from collections import Counter
from pathlib import Path

import numpy as np

_OTHERS = ('man', 'table', 'shirt', 'window', 'tree', 'building', 'sky', 'pole', 'plate', 'dog')
_PREDICATES = ('on', 'has', 'wearing', 'of', 'in front of', 'holding')


def make_relationships_twin(path: str | Path, words: tuple[str, ...], *, megabytes: float = 1.,
                            seed: int = 0) -> dict[frozenset[str], int]:
    """Write images with some twenty relationships each, on one line as the original is.

    Args:
        path: the file.
        words: every second end of a relationship is one of these, the others name other things.
        megabytes: 10^6 bytes that the file has at least.
        seed: same seed, same bytes.

    Returns:
        {word, word} -> how many relationships join two of ``words``.
    """
    rng, counts, written = np.random.default_rng(seed), Counter(), 0
    with Path(path).open('w', encoding='utf-8') as file:
        file.write('[')
        image_id = 0
        while written < megabytes * 1e6:
            image_id += 1
            relations = [_relation(rng, words) for _ in range(rng.poisson(21))]
            for relation in relations:
                pair = frozenset((relation['subject']['name'], relation['object']['names'][0]))
                if pair <= set(words):
                    counts[pair] += 1
            text = json.dumps(dict(relationships=relations, image_id=image_id))
            written += file.write(', ' * (image_id > 1) + text)
        file.write(']')
    return dict(counts)


def _relation(rng: np.random.Generator, words: tuple[str, ...]) -> dict:
    numbers = rng.integers(1, 1000, 13).tolist()
    subject, thing = (str(rng.choice(words if rng.random() < 0.5 else _OTHERS)) for _ in range(2))
    predicate = _PREDICATES[numbers[0] % len(_PREDICATES)]
    return dict(
        predicate=predicate.upper(),
        object=dict(h=numbers[1], object_id=1_000_000 + numbers[2],
                    merged_object_ids=numbers[3:3 + numbers[3] % 2],
                    synsets=[f'{thing}.n.01'], w=numbers[4], y=numbers[5], x=numbers[6],
                    names=[thing]),
        relationship_id=3_000_000 + numbers[7],
        synsets=[f'{predicate.split()[0]}.r.01'],
        subject=dict(name=subject, h=numbers[8], synsets=[f'{subject}.n.01'],
                     object_id=1_000_000 + numbers[9], w=numbers[10], y=numbers[11],
                     x=numbers[12]))

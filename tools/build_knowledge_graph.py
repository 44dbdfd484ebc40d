"""Rebuild the commonsense graph from other word vectors or from the complete Visual Genome.

The graphs that ship with the package need no tool; this one is for GloVe or word2vec vectors of
another size, and for `relationships.json` of Visual Genome 1.4 (about 700 MB, read as a stream).
The result goes into a config as `head=dict(ktm=dict(graph='graph.npz'))`.

    python tools/build_knowledge_graph.py graph.npz --word-vectors glove.6B.300d.txt \
        --relationships relationships.json --pictures pictures/
"""
import argparse
import json
from pathlib import Path

import numpy as np

from ktn_mm.knowledge import (
    SOURCES,
    Knowledge,
    build_graph,
    build_knowledge,
    count_relationships,
    counted_words,
    load_counts,
    load_word_vectors,
    source_nodes,
    surface_nodes,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='.npz to write: keypoint, part, location')
    parser.add_argument('--word-vectors', type=Path,
                        help='text of GloVe or word2vec, or word2vec .bin (default: shipped)')
    counts = parser.add_mutually_exclusive_group()
    counts.add_argument('--relationships', type=Path, help="Visual Genome's relationships.json")
    counts.add_argument('--counts', type=Path,
                        help='counts that --save-counts has written (default: shipped)')
    parser.add_argument('--save-counts', type=Path, help='.json to write the counts to')
    parser.add_argument('--recipe', choices=('paper', 'official'), default='paper')
    parser.add_argument('--pictures', type=Path, help='folder for a heat map of each matrix')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    surfaces = surface_nodes()
    nodes = [node for source in SOURCES for node in source_nodes(source)]
    vectors = load_word_vectors(args.word_vectors, {w for n in (*nodes, *surfaces) for w in n})
    if args.relationships is None:
        counts = load_counts(args.counts)
    elif args.relationships.is_file():
        with args.relationships.open(encoding='utf-8') as file:
            counts = count_relationships(file, counted_words(nodes, surfaces))
    else:
        raise FileNotFoundError(f'no relationships at {args.relationships}')
    if args.save_counts:
        pairs = {f'{min(pair)}|{max(pair)}': n for pair, n in counts.items()}
        args.save_counts.write_text(json.dumps(dict(pairs=dict(sorted(pairs.items()))), indent=1))

    materials = dict(recipe=args.recipe, word_vectors=vectors, counts=counts)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(args.out, **{source: build_graph(source, **materials) for source in SOURCES})
    print(f'{args.out}: graphs of {", ".join(SOURCES)}; '
          f'{sum(counts.values())} relationships between {len(counts)} pairs of words')
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for source in SOURCES:
            draw(source, build_knowledge(source, **materials), args.pictures)


def draw(source: str, knowledge: Knowledge, folder: Path) -> None:
    """Write a heat map of every matrix of a source to ``folder/source_matrix.png``."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot

    from ktn_mm.surface.charts import SURFACES

    names = [' '.join(w for w in (n.side, n.level, n.noun) if w not in ('full', 'middle'))
             for n in source_nodes(source)]
    for field, matrix in zip(Knowledge._fields, knowledge, strict=True):
        height = 3 + 0.3 * len(names)
        figure, axes = pyplot.subplots(figsize=(11, height))
        figure.subplots_adjust(left=0.15, right=1., top=1 - 0.4 / height, bottom=2 / height)
        image = axes.imshow(matrix, vmin=min(0, matrix.min()), vmax=max(1, matrix.max()),
                            aspect='auto', cmap='viridis')
        axes.set_xticks(range(len(SURFACES)), [f'{s.index} {s.name}' for s in SURFACES],
                        rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.set_title(f'{source}: {field}')
        figure.colorbar(image)
        figure.savefig(folder / f'{source}_{field}.png', dpi=100)
        pyplot.close(figure)


if __name__ == '__main__':
    main()

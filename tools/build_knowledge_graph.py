"""Rebuild the commonsense graph from other word vectors or from the complete Visual Genome.

The graphs that ship with the package need no tool; this one is for GloVe or word2vec vectors of
another size, and for `relationships.json` of Visual Genome 1.4 (about 700 MB, read as a stream).
The result goes into a config as `head=dict(ktm=dict(graph='graph.npz'))`; docs/knowledge.md tells
more.

    python tools/build_knowledge_graph.py graph.npz --word-vectors glove.6B.300d.txt \
        --relationships relationships.json --pictures pictures/
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

if 'ktn_mm' not in sys.modules:
    # All this needs is numpy. Where mmpose is found, importing ktn_mm loads it: 700 MB of memory.
    sys.modules.setdefault('mmpose', None)

from ktn_mm.knowledge import (  # noqa: E402
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

PANELS = dict(semantics='M_s, semantics (Eq. 1)', frequency='M_f, seen together',
              structure='I, body structure', matrix='M_g, the graph (Eq. 3)')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='.npz to write: keypoint, part, location')
    parser.add_argument('--word-vectors', type=Path,
                        help='text of GloVe or word2vec, or word2vec .bin; either may be '
                             'compressed, .gz (default: shipped)')
    counts = parser.add_mutually_exclusive_group()
    counts.add_argument('--relationships', type=Path, help="Visual Genome's relationships.json")
    counts.add_argument('--counts', type=Path,
                        help='counts that --save-counts has written (default: shipped)')
    parser.add_argument('--save-counts', type=Path, help='.json to write the counts to')
    parser.add_argument('--recipe', choices=('paper', 'official'), default='paper')
    parser.add_argument('--pictures', type=Path,
                        help='folder for graph_SOURCE.png, heat maps of the matrices')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    for folder in {path.parent for path in (args.out, args.save_counts) if path}:
        folder.mkdir(parents=True, exist_ok=True)  # said before the long reading
    surfaces = surface_nodes()
    nodes = [node for source in SOURCES for node in source_nodes(source)]
    vectors = load_word_vectors(args.word_vectors, {w for n in (*nodes, *surfaces) for w in n})
    if args.relationships is None:
        counts = load_counts(args.counts)
    elif args.relationships.is_file():
        size = args.relationships.stat().st_size
        with args.relationships.open(encoding='utf-8') as file, tqdm.wrapattr(
                file, 'read', total=size, desc=args.relationships.name) as stream:
            try:
                counts = count_relationships(stream, counted_words(nodes, surfaces))
            except ValueError as error:
                raise ValueError(f'{args.relationships}: {error}') from error
    else:
        raise FileNotFoundError(f'no relationships at {args.relationships}')
    if args.save_counts:
        pairs = {f'{min(pair)}|{max(pair)}': n for pair, n in counts.items()}
        args.save_counts.write_text(json.dumps(dict(pairs=dict(sorted(pairs.items()))), indent=1))

    materials = dict(recipe=args.recipe, word_vectors=vectors, counts=counts)
    np.savez(args.out, **{source: build_graph(source, **materials) for source in SOURCES})
    print(f'{args.out}: graphs of {", ".join(SOURCES)}; '
          f'{sum(counts.values())} relationships between {sum(n > 0 for n in counts.values())} '
          'pairs of words')
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for source in SOURCES:
            draw(source, build_knowledge(source, **materials), args.pictures)


def draw(source: str, knowledge: Knowledge, folder: Path) -> None:
    """Write heat maps of a source's matrices to ``folder/graph_source.png``."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot

    from ktn_mm.surface.charts import SURFACES

    names = [' '.join(w for w in (n.side, n.level, n.noun) if w not in ('full', 'middle'))
             for n in source_nodes(source)]
    low = min(0., *(matrix.min() for matrix in knowledge))  # word vectors may point apart
    height = 0.4 + 0.15 * len(names)
    figure, rows = pyplot.subplots(
        2, 2, sharex=True, sharey=True, figsize=(11, 2 * height + 2.1), layout='constrained')
    for axes, (field, title) in zip(rows.flat, PANELS.items(), strict=True):
        image = axes.imshow(getattr(knowledge, field), vmin=low, vmax=1,
                            aspect='auto', cmap='viridis')
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(SURFACES)), [f'{s.index} {s.name}' for s in SURFACES],
                        rotation=90, fontsize=7)
        axes.set_yticks(range(len(names)), names, fontsize=7)
    figure.colorbar(image, ax=rows, fraction=0.03, pad=0.01).ax.tick_params(labelsize=7)
    figure.suptitle(f'{source} and the 24 surfaces', fontsize=11)
    figure.savefig(folder / f'graph_{source}.png', dpi=90)
    pyplot.close(figure)


if __name__ == '__main__':
    main()

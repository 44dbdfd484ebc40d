"""Lift a person's texture from pictures or videos to the atlas of the 24 surfaces.

  ktn-mm unwrap person.jpg --out atlas.png --iuv person_iuv.png
  ktn-mm unwrap turning.mp4 --out atlas.png --model CONFIG CHECKPOINT --det rtmdet-m

All pictures and frames are averaged; of several people the one with the highest score counts. An
IUV picture is one person, whoever is on it.
The atlas is a PNG with transparency, 6 tiles high and 4 wide: surfaces 1..6 down the first column
and so on, U to the right and V upwards. `ktn-mm paint` draws it on somebody.
"""
import argparse
from pathlib import Path

from . import options
from .stopping import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..texture import TILE
    options.add_inputs(parser)
    parser.add_argument('--out', required=True, type=Path, metavar='FILE', help='a .png to write')
    parser.add_argument('--size', type=options.count, default=TILE, metavar='N',
                        help='pixels a side of each tile (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace the file')
    options.add_model(parser, or_iuv=True)


def run(args: argparse.Namespace) -> int:
    from ..apis.result_writer import check_writable
    from ..forms.saving import encode_picture
    from ..forms.writing import write_file
    from ..texture import TextureSum, join_tiles
    options.check_model(args)
    if args.out.suffix.lower() != '.png':
        raise options.WrongArguments(f'{args.out}: the atlas is a .png')
    if args.out.exists() and not args.overwrite:
        raise FileExistsError(f'{args.out} exists already; --overwrite replaces it')
    boxes = options.read_boxes(args.bboxes)
    inputs = options.list_inputs(args.inputs)
    check_writable(args.out.parent)
    texture = TextureSum(args.size)
    interrupted = False
    try:
        with options.progress(inputs, args.stop) as shown:
            for result in options.results_of(args, inputs, shown, boxes):
                labels, uv, person = result.to_maps()
                if len(result):
                    with args.stop.held():  # half a picture would tint the atlas
                        texture.add(result.image[..., ::-1],
                                    labels * (person == result.order()[0]), uv)
                shown.step(result)
    except KeyboardInterrupt:
        if not texture.seen().any():
            raise
        interrupted = True
    with args.stop.held():  # who asks twice still gets the atlas
        if not texture.seen().any():
            raise ValueError('nobody was seen: there is no texture to write')
        write_file(args.out, encode_picture(join_tiles(texture.tiles()), '.png'),
                   overwrite=args.overwrite)
        tell(f'{args.out}: {(texture.seen() > 0).sum()} of 24 surfaces were seen')
    if interrupted:
        raise KeyboardInterrupt
    return 1 if shown.failed else 0

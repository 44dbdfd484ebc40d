"""Draw an atlas onto the people of pictures or videos.

  ktn-mm paint person.jpg --atlas atlas.png --out painted --iuv person_iuv.png
  ktn-mm paint dance.mp4 --atlas atlas.png --out painted --model CONFIG CHECKPOINT --det rtmdet-m

Writes NAME_painted.png of a picture and NAME_painted.mp4 of a video. Where the atlas is
transparent, the picture stays.
"""
import argparse
from pathlib import Path

from . import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_inputs(parser)
    parser.add_argument('--atlas', required=True, metavar='FILE',
                        help='as `ktn-mm unwrap` writes it, or any picture 6 tiles high and 4 '
                        'wide')
    parser.add_argument('--out', required=True, type=Path, metavar='DIR',
                        help='folder for the results')
    parser.add_argument('--opacity', type=options.share, default=1., metavar='SHARE',
                        help='of the texture, 0 to 1 (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace what exists')
    options.add_model(parser, or_iuv=True)


def run(args: argparse.Namespace) -> int:
    from ..apis.result_writer import ResultWriter
    from ..forms import Form
    from ..texture import paint_texture, read_atlas
    options.check_model(args)
    boxes = options.read_boxes(args.bboxes)
    inputs = options.list_inputs(args.inputs)
    tiles = read_atlas(args.atlas)

    def painted(result, iuv):
        labels, uv, _ = result.to_maps()
        return paint_texture(result.image[..., ::-1], labels, uv, tiles, opacity=args.opacity)
    table = {'painted': Form('.png', 'the picture with the texture on it', painted)}
    writer = ResultWriter(args.out, overwrite=args.overwrite, table=table,
                          for_pictures=['painted'], for_videos=['video:painted'])
    options.check_places(writer, inputs)
    with options.progress(inputs, args.stop, args.out) as shown, args.stop.closing(writer):
        for result in options.results_of(args, inputs, shown, boxes):
            with args.stop.held():  # also ends the video before
                writer.add(result)
            shown.step(result)
    return 1 if shown.failed else 0

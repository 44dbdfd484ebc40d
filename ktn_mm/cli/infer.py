"""Estimate the dense pose of the people in pictures and videos, and write it to files.

  ktn-mm infer people.jpg --out results --model CONFIG CHECKPOINT --whole-image
  ktn-mm infer dance.mp4 --out results --model CONFIG CHECKPOINT --det rtmdet-m \\
      --save video:dp_segm
"""
import argparse
from pathlib import Path

from . import options
from .stopping import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..forms import FORMS
    options.add_inputs(parser)
    parser.add_argument('--out', required=True, type=Path, metavar='DIR',
                        help='folder for the results')
    parser.add_argument('--save', metavar='FORM,FORM',
                        help='what to write (default: iuv,overlay of pictures, iuv,video of '
                        'videos); see below')
    parser.add_argument('--overwrite', action='store_true', help='replace what exists')
    parser.add_argument('--image-ids', metavar='FILE',
                        help='take the image ids of json and keypoints from this COCO annotation '
                        'file, by file name and, where several images have one name, by '
                        'its folders, instead of counting from 1')
    options.add_model(parser)
    forms = '\n'.join(f'  {name:15} {form.about}' for name, form in FORMS.items())
    parser.epilog = (f'forms of --save:\n{forms}\n'
                     '  video:FORM      of a video, a picture form as a video: H.264 without '
                     'sound, or FFV1\n                  where values must survive; `video` is '
                     f'video:overlay\n\n{parser.epilog}')


def run(args: argparse.Namespace) -> int:
    from ..apis.image_ids import read_image_ids
    from ..apis.result_writer import ResultWriter
    options.check_model(args)
    inputs = options.list_inputs(args.inputs)
    if any(Path(one).is_dir() and Path(one).resolve() == args.out.resolve()
           for one in args.inputs):
        raise options.WrongArguments(f'{args.out}: results would lie among the inputs; choose '
                                     'another --out')
    boxes = options.read_boxes(args.bboxes)
    image_ids = read_image_ids(args.image_ids) if args.image_ids else None
    try:
        writer = ResultWriter(args.out, args.save.split(',') if args.save else None,
                              overwrite=args.overwrite, image_ids=image_ids)
    except ValueError as error:
        raise options.WrongArguments(f'--save: {error}') from None
    options.check_places(writer, inputs)
    with options.progress(inputs, args.stop, args.out) as shown:
        # nothing is written before it loads
        results = options.results_of(args, inputs, shown, boxes)
        with args.stop.closing(writer):
            for result in results:
                with args.stop.held():  # also ends the video before
                    writer.add(result)
                shown.step(result)
    if writer.stretched:
        tell(f'{writer.stretched} frames of another size were stretched to the first one\'s')
    return 1 if shown.failed else 0

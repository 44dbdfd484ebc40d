"""Paint body surfaces on the people of pictures.

Boxes come from --bboxes, from a detector (--det CONFIG CHECKPOINT), or are the whole picture.
For every picture NAME.jpg three files are written to --out:
  NAME_iuv.png      red = surface 0..24, green = U * 255, blue = V * 255
  NAME_overlay.jpg  the surfaces over the picture
  NAME.npz          boxes, scores, keypoints, iuv, and every person's maps
"""
import argparse
import json
import os
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the dense-pose model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('images', nargs='+', metavar='IMAGE', help='pictures to read')
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument('--bboxes', help="boxes in pixels: 'x1,y1,x2,y2;x1,y1,x2,y2' for every "
                       'picture alike, or a .json file {picture name: [[x1,y1,x2,y2(,score)]]}')
    boxes.add_argument('--det', nargs=2, metavar=('CONFIG', 'CHECKPOINT'),
                       help='an mmdet detector that finds the people')
    parser.add_argument('--det-thr', type=float, default=0.3,
                        help='least score of a detected box (default: %(default)s)')
    parser.add_argument('--out', required=True, type=Path, help='folder for the results')
    parser.add_argument('--device', help='such as cpu or cuda:0 (default: cuda if there is one)')
    parser.add_argument('--batch-size', type=int, default=8,
                        help='people at a time (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace existing results')
    return parser.parse_args()


def read_boxes(text: str | None) -> dict | list | None:
    """Return boxes by picture name, boxes for all pictures, or None for the whole picture."""
    if text is None:
        return None
    if text.endswith('.json'):
        boxes = json.loads(Path(text).read_text())
        if not isinstance(boxes, dict):
            raise ValueError(f'{text}: must hold an object {{picture name: boxes}}, got '
                             f'{type(boxes).__name__}')
        return boxes
    try:
        return [[float(v) for v in box.split(',')] for box in text.split(';') if box.strip()]
    except ValueError:
        raise ValueError(f"--bboxes must look like 'x1,y1,x2,y2;...', got {text!r}") from None


def boxes_of(path: Path, given: dict | list | None, image, detector):
    """Return the boxes and scores for one picture."""
    if detector is not None:
        return detector(image)
    if given is None:
        height, width = image.shape[:2]
        return [[0, 0, width, height]], None
    if isinstance(given, dict):
        if path.name not in given:
            raise ValueError(f'{path}: the boxes file has no entry {path.name!r}')
        given = given[path.name]
    if any(len(box) not in (4, 5) for box in given):
        raise ValueError(f'{path}: a box has 4 numbers, or 5 with a score, got {given}')
    return [box[:4] for box in given], [box[4] if len(box) == 5 else 1. for box in given]


def infer_file(path: Path, args: argparse.Namespace, model, pipeline, detector, given) -> int:
    """Write the results of one picture; return how many people it shows."""
    import cv2

    from ktn_mm.apis import infer_image
    from ktn_mm.visualization import draw_boxes, overlay
    targets = [args.out / f'{path.stem}{end}' for end in ('_iuv.png', '_overlay.jpg', '.npz')]
    existing = [t for t in targets if t.exists()]
    if existing and not args.overwrite:
        raise FileExistsError(f'{existing[0]} exists: give --overwrite or another --out')
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such picture')
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f'{path}: not a picture that can be read')
    boxes, scores = boxes_of(path, given, image, detector)
    try:
        result = infer_image(model, image, boxes, scores, batch_size=args.batch_size,
                             pipeline=pipeline)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    iuv = result.to_image()
    picture = draw_boxes(overlay(image[..., ::-1], iuv[..., 0]), result.boxes)
    cv2.imwrite(str(targets[0]), iuv[..., ::-1])
    cv2.imwrite(str(targets[1]), picture[..., ::-1])
    result.save_npz(targets[2])
    return len(result)


def main() -> int:
    args = parse_args()
    # The folder is tried before anything takes time.
    args.out.mkdir(parents=True, exist_ok=True)
    if not os.access(args.out, os.W_OK):
        raise PermissionError(f'{args.out}: cannot write there')
    stems = [Path(image).stem for image in args.images]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise ValueError(f'several pictures are named {twice[0]}: their results would collide')
    given = read_boxes(args.bboxes)

    import torch
    from mmpose.apis import init_model
    from tqdm import tqdm

    import ktn_mm  # noqa: F401  (registers the models)
    from ktn_mm.apis import build_test_pipeline
    from ktn_mm.engine.safe_loading import load_weights_only
    load_weights_only()
    device = args.device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
    for path in (args.config, args.checkpoint):
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such file')
    model = init_model(args.config, args.checkpoint, device=device)
    pipeline = build_test_pipeline(model)
    detector = None
    if args.det:
        from ktn_mm.apis.detection import PersonDetector
        detector = PersonDetector(*args.det, device=device, score_thr=args.det_thr)
    failed = people = 0
    for image in tqdm(args.images, unit='picture'):
        try:
            people += infer_file(Path(image), args, model, pipeline, detector, given)
        except (OSError, ValueError) as error:
            failed += 1
            tqdm.write(f'skipped: {error}', file=sys.stderr)
    print(f'{people} people in {len(args.images) - failed} pictures -> {args.out}'
          + (f'; {failed} pictures skipped' if failed else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')

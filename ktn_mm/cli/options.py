"""What the commands have in common: inputs, who is meant, the model, progress."""
import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from ..structures import DensePoseResult
from .stopping import Stop, tell

if TYPE_CHECKING:
    from ..apis import DensePoseInferencer
    from ..apis.result_writer import ResultWriter
    from ..apis.sources import OnError


HINTS = {'INPUT': 'inputs come first: --model and --det take what follows them',
         '--bboxes: expected': 'write --bboxes=-5,10,100,200 where a minus comes first'}
"""Part of a message of argparse -> what to do."""


class WrongArguments(ValueError):
    """The arguments ask for nothing that can be done, whatever the files hold."""


class Parser(argparse.ArgumentParser):
    """An argument parser that knows the way out where our options take too much or too little."""

    def error(self, message: str) -> NoReturn:
        for part, hint in HINTS.items():
            if part in message:
                message += f'; {hint}'
        super().error(message)


def count(text: str) -> int:
    """Return a number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be at least 1, got {text}')
    return number


def share(text: str) -> float:
    """Return a number in [0, 1], for argparse."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f'must lie in 0..1, got {text}')
    return number


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add INPUT."""
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='pictures, videos, folders of these, or the number of a webcam; '
                        'they come first, since --model and --det take what follows them')


def add_model(parser: argparse.ArgumentParser, *, or_iuv: bool = False,
              ask_later: bool = False) -> None:
    """Add what estimates the dense pose, and of whom.

    Args:
        parser: gets the arguments.
        or_iuv: IUV pictures may take the place of the network.
        ask_later: boxes are no argument; somebody is asked for them while the command runs.
    """
    model = parser.add_argument_group('the network')
    source = model.add_mutually_exclusive_group(required=True)
    source.add_argument('--model', nargs='+', metavar=('CONFIG', 'CHECKPOINT'),
                        help='a config, or the name of one that is shipped, and its weights; or '
                        'the name of a model with published weights; or an .onnx file of '
                        'tools/export_onnx.py')
    if or_iuv:
        source.add_argument('--iuv', nargs='+', metavar='IUV',
                            help='no network: the IUV pictures of the inputs, in their order, as '
                            '`ktn-mm infer --save iuv` writes them (files, folders, .mkv); '
                            'each counts as one person')
    model.add_argument('--backend', choices=('pytorch', 'onnxruntime'),
                       help='what runs the network (default: onnxruntime for an .onnx file)')
    model.add_argument('--device', help='such as cpu or cuda:0 (default: chosen by itself)')
    model.add_argument('--batch-size', type=count, default=8, metavar='N',
                       help='people at a time (default: %(default)s)')
    model.add_argument('--flip-test', action=argparse.BooleanOptionalAction,
                       help='average over the mirrored crop: more people right, twice the time '
                       'of the network (default: as the config says)')
    people = parser.add_argument_group('who' if ask_later else 'who (one of these)')
    who = people.add_mutually_exclusive_group()
    who.add_argument('--det', nargs='+', metavar=('CONFIG', 'CHECKPOINT'),
                     help="an mmdet detector that finds people; `rtmdet-m` is mmpose's own, "
                     'which is downloaded; `rtmdet-tiny-open-body` is shipped')
    if not ask_later:
        who.add_argument(
            '--bboxes', metavar='BOXES',
            help="own boxes in pixels: 'x1,y1,x2,y2;...' for all (--bboxes=... where a minus "
            'comes first), or a .json file: rows '
            '[x1, y1, x2, y2] or [..., score] for all, {file name: rows}, or of a video '
            '{file name: [rows of frame 0, rows of frame 1, ...]}')
        who.add_argument('--whole-image', action='store_true',
                         help='one person, who fills the image')
    people.add_argument('--det-thr', type=share, default=0.3, metavar='SCORE',
                        help='least score of a detected box (default: %(default)s)')


def check_model(args: argparse.Namespace) -> None:
    """Check what argparse cannot.

    Raises:
        WrongArguments: if something is missing or too much.
    """
    from ..apis.pictures import PICTURE_SUFFIXES
    from ..apis.sources import VIDEO_SUFFIXES
    hint = '; inputs come first' if 'inputs' in args else ''
    for name in ('model', 'det'):
        given = getattr(args, name) or ()
        if len(given) > 2:
            raise WrongArguments(f'--{name} takes a config and a checkpoint, got '
                                 f'{" ".join(given)}{hint}')
        for one in given:
            if (Path(one).suffix.lower() in PICTURE_SUFFIXES + VIDEO_SUFFIXES
                    or Path(one).is_dir()):
                raise WrongArguments(f'--{name}: {one} is neither a config nor weights{hint}')
    if getattr(args, 'iuv', None):
        vain = [name for name in ('backend', 'device', 'flip_test', 'det', 'bboxes', 'whole_image')
                if getattr(args, name) not in (None, False)]
        if vain:
            raise WrongArguments(f'--{vain[0].replace("_", "-")} is of no use with --iuv, which '
                                 'takes neither a network nor boxes')
    if args.model and 'bboxes' in args and not (args.det or args.bboxes or args.whole_image):
        raise WrongArguments('say where the people are: --det, --bboxes or --whole-image')


def list_inputs(inputs: list[str]) -> list[str | int]:
    """Return the single inputs, folders unfolded and webcams as numbers.

    Raises:
        FileNotFoundError: if there is no such file or folder.
    """
    from ..apis.sources import expand
    found: list[str | int] = []
    for one in inputs:
        if one.isdigit() and not Path(one).exists():
            found.append(int(one))
        elif not Path(one).exists():
            raise FileNotFoundError(f'{one}: no such file or folder')
        else:
            found += map(str, expand(one))
    return found


def check_places(writer: 'ResultWriter', inputs: list[str | int]) -> None:
    """See whether the results of inputs have places; raises as :meth:`ResultWriter.check`."""
    from ..apis.sources import source_name
    try:
        writer.check(source_name(one) for one in inputs)
    except FileExistsError as error:
        raise FileExistsError(f'{error} (--overwrite, --out)') from None


def count_frames(inputs: list[str | int]) -> int | None:
    """Return how many pictures and frames there are to come; None if nobody knows."""
    from ..apis.sources import is_video
    total = 0
    for one in inputs:
        if isinstance(one, int):
            return None
        if is_video(one):
            from ..apis.video import VideoReader
            try:
                count = VideoReader(one).count
            except ValueError:  # it is named when its turn comes
                count = 0
            if count is None:
                return None
            total += count
        else:
            total += 1
    return total


def read_boxes(text: str | None) -> Any:
    """Return what --bboxes says, as :class:`ktn_mm.apis.boxes.GivenBoxes` takes it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no JSON, or not of boxes.
        WrongArguments: if it is neither a file nor boxes.
    """
    if text is None:
        return None
    from ..apis.boxes import check_shape, parse_boxes
    if text.endswith('.json'):
        try:
            boxes = json.loads(Path(text).read_text(encoding='utf-8'))
        except ValueError as error:
            raise ValueError(f'{text}: no JSON: {error}') from error
        if not isinstance(boxes, (dict, list)):
            raise ValueError(f'{text}: must hold rows or an object, got {type(boxes).__name__}')
        try:
            check_shape(boxes)
        except ValueError as error:
            raise ValueError(f'{text}: {error}') from None
        return boxes
    try:
        return parse_boxes(text)
    except ValueError as error:
        raise WrongArguments(f"--bboxes must look like 'x1,y1,x2,y2;...' or end in .json, got "
                             f'{text!r}: {error}') from None


class Progress:
    """A bar with pictures a second, and what was skipped.

    Attributes:
        failed: whether anything was named in an error.
        skipped: how many pictures, videos and boxes were left out.
        done, people: pictures and frames with a result, and the people on them.

    Args:
        total: how many will come, None if that is not known.
        stop: asked between results.
        folder: where results are written one by one, None if that is not so.
    """

    def __init__(self, total: int | None, stop: Stop, folder: Path | None = None) -> None:
        self._stop, self._folder = stop, folder
        self.failed = False
        self.skipped = self.done = self.people = 0
        self._total, self._bar, self._start = total, None, 0.

    def start(self) -> None:
        """Show the bar, once everything is loaded."""
        self._start = time.monotonic()
        self._bar = tqdm(total=self._total, unit='picture', smoothing=0.1)

    def report(self, source: str, error: Exception) -> None:
        """Tell an error, which names what could not be used; the rest goes on."""
        from ..apis.boxes import LEFT_OVER
        self.failed = True
        left_over = source == LEFT_OVER
        self.skipped += not left_over
        tqdm.write(f'{"error" if left_over else "skipped"}: {" ".join(str(error).split())}',
                   file=sys.stderr)

    def step(self, result: DensePoseResult) -> None:
        """Count a result; end here if somebody asked for it."""
        self._stop.check()
        self.done += 1
        self.people += len(result)
        self._bar.update()

    def close(self) -> None:
        """End the bar and print a line that sums up, if there was one."""
        if self._bar is None:
            return
        if not self._stop.asked:
            self._bar.total = self._bar.n  # what was skipped does not come any more
            self._bar.refresh()
        self._bar.close()
        rate = self.done / max(time.monotonic() - self._start, 1e-9)
        tell(f'{self.done} pictures or frames, {self.people} people, {rate:.1f} a second'
             + (f'; {self.skipped} skipped' if self.skipped else '')
             + (f'; written to {self._folder}' if self._folder and self.done else ''))


@contextlib.contextmanager
def progress(inputs: list[str | int], stop: Stop,
             folder: Path | None = None) -> Iterator[Progress]:
    """Show a bar; sum up at the end, also of an interruption."""
    shown = Progress(count_frames(inputs), stop, folder)
    try:
        yield shown
    finally:
        shown.close()


def load_inferencer(args: argparse.Namespace) -> 'DensePoseInferencer':
    """Load the network, and the detector if there is one."""
    from ..apis import DensePoseInferencer
    det = args.det or [None]
    with contextlib.redirect_stdout(sys.stderr):  # where mmengine tells what it loads
        return DensePoseInferencer(
            *args.model, det=det[0], det_checkpoint=det[1] if len(det) > 1 else None,
            det_thr=args.det_thr, device=args.device, batch_size=args.batch_size,
            backend=args.backend, flip_test=args.flip_test)


def results_of(args: argparse.Namespace, inputs: list[str | int], shown: Progress,
               boxes: Any) -> Iterator[DensePoseResult]:
    """Yield the dense pose of inputs, from the network or from IUV pictures.

    Args:
        args: what :func:`add_model` added.
        inputs: of :func:`list_inputs`.
        shown: started once everything is loaded.
        boxes: of :func:`read_boxes`.
    """
    if getattr(args, 'iuv', None):
        shown.start()
        return _from_iuv(inputs, list_inputs(args.iuv), shown.report)
    _check_names(inputs, boxes)
    inferencer = load_inferencer(args)
    shown.start()
    return inferencer(inputs, bboxes=boxes, whole_image=args.whole_image, on_error=shown.report)


def _check_names(inputs: list[str | int], boxes: Any) -> None:
    """Raise ValueError if boxes have names, and no input is called so."""
    from ..apis.boxes import names_of
    from ..apis.sources import source_name
    if isinstance(boxes, dict) and not any(Path(source_name(one)).name in boxes for one in inputs):
        raise ValueError('--bboxes: no input has boxes by its name, without folders; '
                         + names_of(boxes))


def _from_iuv(inputs: list[str | int], iuvs: list[str | int],
              on_error: 'OnError') -> Iterator[DensePoseResult]:
    """Yield what IUV pictures say of pictures.

    Where names tell, ``NAME.jpg`` belongs to ``NAME_iuv.png`` or ``NAME.png``, and what cannot be
    used is named and left out; otherwise both go in their order.
    """
    partners = _partners(inputs, iuvs)
    if partners is None:
        yield from _side_by_side(inputs, iuvs)
        return
    for one, iuv in zip(inputs, partners):
        try:
            yield from _side_by_side([one], [iuv])
        except (OSError, ValueError) as error:
            on_error(str(one), error)


def _partners(inputs: list[str | int], iuvs: list[str | int]) -> list[str | int] | None:
    """Return the IUV picture that each input's name asks for; None if no name tells.

    Raises:
        ValueError: if some have one and some have none.
    """
    by_name = {Path(str(iuv)).stem.removesuffix('_iuv'): iuv for iuv in iuvs}
    partners = [by_name.get(Path(str(one)).stem) for one in inputs]
    if not any(partners):
        return None
    if None in partners:
        lonely = inputs[partners.index(None)]
        raise ValueError(f'{lonely}: no {Path(str(lonely)).stem}_iuv among the IUV pictures')
    return partners


def _side_by_side(inputs: list[str | int], iuvs: list[str | int]) -> Iterator[DensePoseResult]:
    from ..apis.sources import read_frames
    pictures = read_frames(iuvs)
    for frame in read_frames(inputs):
        picture = next(pictures, None)
        if picture is None:
            raise ValueError(f'{frame.source}: there is no IUV picture left for it')
        if picture.image.shape != frame.image.shape:
            (h, w), (ih, iw) = frame.image.shape[:2], picture.image.shape[:2]
            raise ValueError(f'{frame.source} is {w}x{h}, its IUV {picture.source} {iw}x{ih}')
        try:
            yield DensePoseResult.from_iuv(picture.image[..., ::-1], image=frame.image,
                                           source=frame.source, frame=frame.number)
        except ValueError as error:
            raise ValueError(f'{picture.source}: {error}') from None
    if next(pictures, None) is not None:
        raise ValueError('there are more IUV pictures than pictures')

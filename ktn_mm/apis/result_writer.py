"""Write the results of many pictures and videos to a folder."""
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..forms import (
    FORMS,
    Form,
    RecordFile,
    challenge_records,
    encode,
    keypoint_records,
    write_file,
)
from ..forms.saving import encode_picture
from ..structures import DensePoseResult
from .image_ids import ImageIds
from .sources import is_video, is_webcam

VIDEO = 'video'
"""``'video'`` is short for ``'video:overlay'``; any picture form may stand behind the colon."""
RUN_FORMS = {'json': ('densepose.json', challenge_records),
             'keypoints': ('keypoints.json', keypoint_records)}
"""Forms that are one file for all pictures: its name, and what makes its records."""
FOR_PICTURES = ('iuv', 'overlay')
FOR_VIDEOS = ('iuv', 'video:overlay')


class ResultWriter:
    """Write results to a folder, in several forms.

    Use it in a ``with`` block: files that grow are finished at its end, also after an error.

    Of a picture NAME.jpg: ``NAME_FORM.png`` or ``.jpg``, or ``NAME.npz``. Of a video NAME.mp4:
    a folder ``NAME_FORM`` with a file for each frame, ``000000.png`` the first; of the form
    ``video:FORM`` the video ``NAME_FORM.mp4`` or, where values must survive, ``NAME_FORM.mkv``.
    Of all together ``densepose.json`` and ``keypoints.json``, whose ``image_id`` counts pictures
    and frames from 1, with the ``file_name`` and the ``frame`` beside it.

    Args:
        out: the folder; made if it is missing.
        forms: names in the table of forms, and ``'video:NAME'``, which only videos have; by
            default :data:`FOR_PICTURES` of pictures and :data:`FOR_VIDEOS` of videos.
        overwrite: replace what exists.
        image_ids: of pictures, instead of counting; :func:`ktn_mm.apis.read_image_ids` reads them.
        table: of forms.
        for_pictures, for_videos: the defaults of ``forms``.

    Raises:
        ValueError: if there is no such form.
        OSError: if the folder cannot be made, or nothing can be written there.
    """

    def __init__(self, out: str | Path, forms: Iterable[str] | None = None, *,
                 overwrite: bool = False, image_ids: ImageIds | None = None,
                 table: Mapping[str, Form] = FORMS,
                 for_pictures: Sequence[str] = FOR_PICTURES,
                 for_videos: Sequence[str] = FOR_VIDEOS) -> None:
        self.out = Path(out)
        self.table = table
        self.overwrite = overwrite
        self.image_ids = image_ids
        self.for_pictures, self.for_videos = for_pictures, for_videos
        if forms is not None:
            self.for_videos = [f'{VIDEO}:overlay' if form == VIDEO else form for form in forms]
            self._check_forms()
            self.for_pictures = [form for form in self.for_videos
                                 if not form.startswith(f'{VIDEO}:')]
        self.written = self.stretched = 0
        self._source = None
        self._videos, self._records, self._folders = {}, {}, set()
        check_writable(self.out)

    def _check_forms(self) -> None:
        pictures = [name for name, form in self.table.items() if form.paint]
        for name in self.for_videos:
            kind, _, form = name.rpartition(':')
            if form not in (pictures if kind else self.table) or kind not in ('', VIDEO):
                raise ValueError(f'there is no form {name!r}; there are {", ".join(self.table)}, '
                                 f'and {VIDEO}:NAME with {", ".join(pictures)}')

    def check(self, sources: Iterable[str]) -> None:
        """See whether the results of sources have places, before any work is done.

        Raises:
            ValueError: if two sources have results of one name or one image id, or a source has
                no result, no image id, or other pixels than its image id was annotated with.
            FileExistsError: if a result exists already and must not be replaced.
        """
        sources = list(sources)
        owners: dict[Path, str] = {}
        for source in sources:
            targets = self._targets(source)
            if not targets and not self._run_forms():
                raise ValueError(f'{source}: nothing would be written of it; '
                                 f'{", ".join(self.for_videos)} is for videos')
            for target in targets:
                if target in owners:
                    raise ValueError(f'{owners[target]} and {source} would both be written to '
                                     f'{target}')
                owners[target] = source
        run = [self.out / RUN_FORMS[form][0] for form in self._run_forms()]
        existing = [path for path in [*owners, *run] if path.exists()]
        if existing and not self.overwrite:
            raise FileExistsError(f'{existing[0]} exists already'
                                  + (f', and {len(existing) - 1} more' if len(existing) > 1
                                     else '') + '; overwrite it or choose another folder')
        if self._run_forms():
            self._check_records(sources)

    def _check_records(self, sources: list[str]) -> None:
        """See whether the records of sources can be told apart."""
        owners: dict[str | int, str] = {}
        for source in sources:
            name = Path(source).name
            if self.image_ids is not None:
                if _moves(source):
                    raise ValueError(f'{source}: a video has no image id')
                name = self.image_ids[source]
                self.image_ids.check_picture(source)
            if name in owners:
                files = ' and '.join(RUN_FORMS[form][0] for form in self._run_forms())
                raise ValueError(f'{owners[name]} and {source} would both be {name} in {files}'
                                 + ('; rename one, or give image ids' if self.image_ids is None
                                    else ''))
            owners[name] = source

    def _run_forms(self) -> list[str]:
        return [form for form in RUN_FORMS if form in (*self.for_pictures, *self.for_videos)]

    def _targets(self, source: str) -> list[Path]:
        """Return the files and folders that a source's results go to."""
        video = _moves(source)
        return [self._target(source, form, video)
                for form in (self.for_videos if video else self.for_pictures)
                if form not in RUN_FORMS]

    def _target(self, source: str, name: str, video: bool) -> Path:
        kind, _, form = name.rpartition(':')
        stem = source.replace(' ', '_') if is_webcam(source) else Path(source).stem
        stem += '' if form == 'npz' and not video else f'_{form}'
        if kind:
            return self.out / (stem + ('.mkv' if self.table[form].exact else '.mp4'))
        return self.out / (stem if video else stem + self.table[form].suffix)

    def add(self, result: DensePoseResult) -> None:
        """Write the result of a picture or of the next frame."""
        if result.source != self._source:
            self._close_videos()
            self._source = result.source
        self.written += 1
        iuv = result.to_image()
        video = result.frame is not None
        for name in self.for_videos if video else self.for_pictures:
            if name in RUN_FORMS:
                self._add_records(name, result)
            elif name.startswith(f'{VIDEO}:'):
                self._add_frame(name, result, iuv)
            else:
                self._add_file(name, result, iuv, video)

    def _add_file(self, name: str, result: DensePoseResult, iuv, video: bool) -> None:
        form = self.table[name]
        target = self._target(result.source, name, video)
        if video:
            if target not in self._folders:
                self._folders.add(target)
                self._free(target).mkdir(exist_ok=True)
                for frame in target.glob(f'*{form.suffix}'):
                    if frame.stem.isdigit():  # of another run, which may have had more
                        frame.unlink()
            target = target / f'{result.frame:06d}{form.suffix}'
        content = (encode_picture(form.paint(result, iuv), form.suffix) if form.paint
                   else encode(result, name))
        write_file(target, content, overwrite=self.overwrite)

    def _add_frame(self, name: str, result: DensePoseResult, iuv) -> None:
        if name not in self._videos:
            from .video import UNKNOWN_RATE, VideoReader, VideoWriter
            live = not Path(result.source).is_file()
            rate = UNKNOWN_RATE if live else VideoReader(result.source).rate
            target = self._free(self._target(result.source, name, True))
            self._videos[name] = VideoWriter(target, rate, overwrite=self.overwrite)
        form = self.table[name.rpartition(':')[2]]
        self._videos[name].write(form.paint(result, iuv))

    def _add_records(self, name: str, result: DensePoseResult) -> None:
        where = dict(file_name=Path(result.source).name)
        if result.frame is not None:
            where['frame'] = result.frame
        image_id = (self.written if self.image_ids is None
                    else self.image_ids[result.source])
        self._records[name].add({**record, **where}
                                for record in RUN_FORMS[name][1](result, image_id))

    def _free(self, path: Path) -> Path:
        if path.exists() and not self.overwrite:
            raise FileExistsError(f'{path} exists already')
        return path

    def _close_videos(self) -> None:
        videos, self._videos = self._videos, {}
        with ExitStack() as stack:
            for video in videos.values():
                self.stretched += video.stretched
                stack.callback(video.close)

    def __enter__(self) -> 'ResultWriter':
        self._records = {form: RecordFile(self._free(self.out / RUN_FORMS[form][0]),
                                          overwrite=self.overwrite)
                         for form in self._run_forms()}
        return self

    def __exit__(self, *error) -> None:
        with ExitStack() as stack:  # each is finished, whatever happens to another
            for file in self._records.values():
                stack.callback(file.close)
            stack.callback(self._close_videos)


def _moves(source: str) -> bool:
    return is_video(source) or is_webcam(source)


def check_writable(folder: Path) -> None:
    """Make a folder, and write something there, to know before hours of work.

    Raises:
        OSError: if that is not possible; names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f'{folder}: nothing can be written there: {error.strerror}') from error

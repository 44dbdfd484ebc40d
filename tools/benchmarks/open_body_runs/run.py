"""One run: a row with a seed. Which command comes next, and the result when all are done."""
import hashlib
import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache, cached_property
from pathlib import Path

from open_body_runs.data import (
    AUGMENTATION,
    DataSummary,
    augmentation_of,
    data_options,
    same_but_for_rounding,
)
from open_body_runs.machine import describe_machine, describe_versions
from open_body_runs.rows import ROOT, Row
from open_body_runs.run_folder import RunFolder, write_whole

TABLES = ('overall', 'classes', 'surfaces', 'bottleneck')
"""Of the diagnosis, those that a result keeps."""


@dataclass(frozen=True)
class Settings:
    """What all runs of a call share.

    Attributes:
        data: folder of the data set.
        summary: what is in it.
        work_dir: where the runs work.
        results: where their results go.
        options: config options of the user's.
        jobs: how many runs go on at a time.
    """

    data: Path
    summary: DataSummary
    work_dir: Path
    results: Path
    options: tuple[str, ...] = ()
    jobs: int = 2


@dataclass
class Run:
    """A row with a seed.

    Attributes:
        row: of the table.
        seed: of initialisation, order and augmentation.
        settings: shared by all runs.
    """

    row: Row
    seed: int
    settings: Settings
    stage: str = field(default='', init=False)

    @property
    def name(self) -> str:
        """Name of the run's files and of its line on the screen."""
        return f'{self.row.name}-seed{self.seed}'

    @cached_property
    def folder(self) -> RunFolder:
        """Where the run works."""
        return RunFolder(self.settings.work_dir / self.name)

    @property
    def result_file(self) -> Path:
        """Where the result goes; it is there when the run is done."""
        return self.settings.results / f'{self.name}.json'

    @property
    def epochs(self) -> int:
        """Epochs that the run trains."""
        options = dict(option.partition('=')[::2] for option in self.settings.options)
        return int(options.get('train_cfg.max_epochs',
                               read_config(self.row.config)['train_cfg']['max_epochs']))

    def identity(self) -> dict:
        """Return what makes two results comparable."""
        return dict(config_sha256=config_hash(self.row.config),
                    data_sha256=self.settings.summary.sha256, augmentation=AUGMENTATION,
                    seed=self.seed, options=list(self.settings.options))

    def state(self) -> str:
        """Return 'finished', 'outdated' (a result or a folder of something else), 'begun' or
        'not begun'.

        Raises:
            ValueError: if the result cannot be read.
        """
        if self._known() is None:
            return 'not begun'
        if self.changed():
            return 'outdated'
        return 'finished' if self.result_file.exists() else 'begun'

    def changed(self) -> list[str]:
        """Return which of config, data, augmentation, seed, options differ from what there is.

        A result counts for data that differ in rounding only, and of another augmentation; a run
        that was begun needs the same.

        Raises:
            ValueError: if the result cannot be read.
        """
        known, mine = self._known(), self.identity()
        if known is None:
            return []
        known = dict(known, augmentation=augmentation_of(known))
        if self.result_file.exists():
            known, mine = (dict(one, data_sha256=same_but_for_rounding(one.get('data_sha256', '')))
                           for one in (known, mine))
            mine['augmentation'] = known['augmentation']
        return [key.removesuffix('_sha256') for key in mine if known.get(key) != mine[key]]

    def _known(self) -> dict | None:
        """Return what identifies the result, or what has been begun; None if there is neither."""
        if not self.result_file.exists():
            return self.folder.identity()
        content = _parsed(self.result_file)
        if content is None:
            raise ValueError(f'{self.result_file}: not a json file; remove it, and the run goes '
                             'on')
        return content

    def next_command(self) -> list[str] | None:
        """Return the command that brings the run on; None, with the result written, at the end.

        Raises:
            FileNotFoundError: if a command has ended and not left what it should.
        """
        self.folder.begin(self.identity())
        known = self.folder.checkpoint()
        if known is None or known[0] < self.epochs:
            if self.stage == 'train':
                raise FileNotFoundError(f'{self.folder.path}: training left no checkpoint of '
                                        f'epoch {self.epochs}')
            self.stage = 'train'
            return self.train_command(self.folder.path, known and known[1])
        lacking = next((file for file in (self._figures_file, self._diagnosis_file)
                        if _parsed(file) is None), None)
        if lacking:  # or cut off, where testing was killed while it wrote
            if self.stage == 'test':
                raise FileNotFoundError(f'{lacking}: testing has not written it')
            self.stage = 'test'
            return self.test_command(self.folder.path, known[1])
        self.folder.slim(known[1])
        write_whole(self.result_file.with_suffix('.txt'), self.folder.trimmed_log())
        write_whole(self.result_file, json.dumps(self._result(), indent=1) + '\n')
        self.stage = 'done'
        return None

    @property
    def _figures_file(self) -> Path:
        return self.folder.path / 'test' / 'figures.json'

    @property
    def _diagnosis_file(self) -> Path:
        return self.folder.path / 'diagnosis' / 'diagnosis.json'

    def train_command(self, folder: Path, checkpoint: Path | None = None) -> list[str]:
        """Return the command that trains in a folder, from the start or from a checkpoint."""
        resume = ['--resume', str(checkpoint)] if checkpoint else []
        return [sys.executable, str(ROOT / 'tools/train.py'), str(ROOT / self.row.config),
                '--work-dir', str(folder), *resume, '--cfg-options', *self._options()]

    def test_command(self, folder: Path, checkpoint: Path) -> list[str]:
        """Return the command that leaves test/figures.json and diagnosis/ in a folder."""
        return [sys.executable, str(ROOT / 'tools/test.py'), str(ROOT / self.row.config),
                str(checkpoint), '--work-dir', str(folder / 'test'),
                '--out', str(folder / 'test' / 'figures.json'), '--cfg-options',
                *self._options(), f'test_evaluator.0.diagnosis={folder / "diagnosis"}']

    def _options(self) -> list[str]:
        return [f'randomness.seed={self.seed}', *data_options(self.settings.data),
                *self.settings.options]

    def _result(self) -> dict:
        figures = json.loads(self._figures_file.read_text())
        diagnosis = json.loads(self._diagnosis_file.read_text())
        times = self.folder.times()
        return dict(
            row=self.row.name, seed=self.seed, config=str(self.row.config), **{
                key: value for key, value in self.identity().items() if key != 'seed'},
            data=self.settings.summary.to_dict(), epochs=self.epochs,
            figures={name.removeprefix('densepose/'): value for name, value in figures.items()},
            curve=self.folder.curve(), **{name: diagnosis[name] for name in TABLES},
            finished=datetime.now(timezone.utc).isoformat(timespec='seconds'),
            minutes=round(sum(t['minutes'] for t in times), 2),
            cpu_minutes=round(sum(t['cpu_minutes'] for t in times), 2),
            attempts=sum(t['kind'] == 'train' for t in times),
            machine=dict(describe_machine(), threads_per_run=1,
                         runs_at_a_time=self.settings.jobs),
            versions=describe_versions(),
            code=join_codes([t.get('code') for t in times]))


def join_codes(codes: list[str | None]) -> str | None:
    """Name all code that a run went through, each once; None if none of it is known."""
    if not any(codes):
        return None
    return ', then '.join(dict.fromkeys(code or 'unknown' for code in codes))


def _parsed(path: Path) -> dict | None:
    """Return what a JSON file holds, None if it is missing or not whole."""
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return None


@cache
def read_config(path: Path) -> dict:
    """Return a config below the root of the clone, with all that it inherits."""
    from mmengine.config import Config
    return Config.fromfile(ROOT / path, import_custom_modules=False).to_dict()


def config_hash(path: Path) -> str:
    """Hash what a config comes to with all that it inherits, whatever file that stands in."""
    return hashlib.sha256(json.dumps(read_config(path), sort_keys=True).encode()).hexdigest()


def backbone_file(path: Path) -> Path | None:
    """Return the local file that a config's backbone starts from, None for none."""
    source = (read_config(path)['model']['backbone'].get('init_cfg') or {}).get('checkpoint')
    return Path(source) if source and '://' not in source else None

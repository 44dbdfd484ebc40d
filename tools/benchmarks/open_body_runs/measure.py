"""How long a run takes, from a few steps of it."""
import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from open_body_runs.machine import describe_machine
from open_body_runs.pool import ONE_THREAD
from open_body_runs.rows import ROOT
from open_body_runs.run import Run, read_config
from open_body_runs.run_folder import write_whole

SHORT = 10
"""Steps of the shorter of two trainings; the difference of the two is free of the start."""


def measure(runs: list[Run], steps: int, path: Path, settings: dict[str, str]) -> None:
    """Write what runs cost in CPU time, which neighbours on the machine disturb least.

    Each row takes ``SHORT`` steps in one process and ``steps`` in another, and is tested on the
    whole test set and on ``SHORT`` persons of it.

    Args:
        runs: one is taken of every row.
        steps: of the longer training; rounded down to a multiple of ``SHORT``.
        path: JSON file; other rows in it are kept.
        settings: environment variables for the commands.

    Raises:
        ValueError: if a command fails.
    """
    known = json.loads(path.read_text()) if path.exists() else {}
    rows = known.get('rows', {})
    bar = tqdm(list({run.row.name: run for run in runs}.values()), unit='row')
    for run in bar:
        rows[run.row.name] = _measure_row(
            run, steps // SHORT, settings,
            lambda phase, row=run.row.name: bar.set_description(f'{row}: {phase}'))
        content = dict(data=run.settings.summary.folder, machine=describe_machine(),
                       load=round(os.getloadavg()[1], 1), rows=rows)
        write_whole(path, json.dumps(content, indent=1) + '\n')
        tqdm.write(f'{run.row.name}: {rows[run.row.name]["minutes"]:.0f} min')


def _measure_row(run: Run, epochs: int, settings: dict[str, str],
                 tell: Callable[[str], None]) -> dict:
    config = read_config(run.row.config)
    batch, train = config['train_dataloader']['batch_size'], config['train_cfg']
    folder = run.settings.work_dir / f'measure-{run.row.name}'
    shutil.rmtree(folder, ignore_errors=True)

    def train_for(count: int) -> float:
        tell(f'trains {SHORT * count} steps')
        command = run.train_command(folder / str(count))
        command += [f'train_dataloader.dataset.indices={SHORT * batch}',
                    f'train_cfg.max_epochs={count}', f'train_cfg.val_begin={count + 1}',
                    'default_hooks.checkpoint.interval=1000']
        return _cpu_seconds(command, folder / f'train{count}.txt', settings)

    def test_on(persons: int, log: str) -> float:
        tell(f'is tested on {persons} persons')
        command = run.test_command(folder, folder / str(epochs) / f'epoch_{epochs}.pth')
        command += [f'test_dataloader.dataset.indices={persons}']
        return _cpu_seconds(command, folder / f'{log}.txt', settings)

    short, long = train_for(1), train_for(epochs)
    step = (long - short) / (SHORT * (epochs - 1))
    people = run.settings.summary.people
    tested = people['test']
    few, all_of_them = test_on(SHORT, 'few'), test_on(tested, 'all')
    person = (all_of_them - few) / (tested - SHORT)
    total = train['max_epochs'] * math.ceil(run.settings.summary.persons['train'] / batch)
    evaluated = train['max_epochs'] // train['val_interval'] * people['val'] + tested
    start = short - SHORT * step + few
    seconds = start + total * step + evaluated * person
    shutil.rmtree(folder)
    return dict(measured_steps=SHORT * epochs, cpu_seconds_per_step=round(step, 4),
                cpu_seconds_to_start=round(start, 2), tested_persons=tested,
                cpu_seconds_per_tested_person=round(person, 4), steps=total,
                minutes=round(seconds / 60, 1))


def _cpu_seconds(command: list[str], log: Path, settings: dict[str, str]) -> float:
    """Return what a command takes of the processor."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'wb') as file:
        popen = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL,
                                 env={**os.environ, **ONE_THREAD, **settings})
        _, status, usage = os.wait4(popen.pid, 0)
        popen.returncode = os.waitstatus_to_exitcode(status)
    if popen.returncode:
        raise ValueError(f'{Path(command[2]).stem}: {Path(command[1]).name} ended with exit '
                         f'code {popen.returncode}; see {log}')
    return usage.ru_utime + usage.ru_stime

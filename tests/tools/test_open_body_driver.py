"""The driver of the open benchmark: what it begins, how it stops, where it goes on."""
import dataclasses
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch

from ktn_mm.testing import make_tiny_dataset

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / 'tools' / 'benchmarks'


@pytest.fixture(scope='module')
def bench():
    """The modules of tools/benchmarks, which are no part of the package."""
    # Not by its name, which is also that of the folder tools/open_body.
    spec = importlib.util.spec_from_file_location('open_body_driver', TOOLS / 'open_body.py')
    sys.path.insert(0, str(TOOLS))
    try:
        names = ('data', 'measure', 'pool', 'rows', 'run', 'run_folder')
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        yield dict({name: importlib.import_module(f'open_body_runs.{name}') for name in names},
                   tool=tool)
    finally:
        sys.path.remove(str(TOOLS))


@pytest.fixture(scope='module')
def dolls(tmp_path_factory):
    """Paper dolls in the layout of open-body-v1."""
    folder = tmp_path_factory.mktemp('dolls')
    (folder / 'annotations').mkdir()
    for seed, split in enumerate(('train', 'val', 'test')):
        tiny = make_tiny_dataset(folder / 'made', num_images=12 if split == 'train' else 2,
                                 kinds=('dense', 'plain'), seed=seed)
        shutil.move(tiny.img_dir, folder / split)
        shutil.move(tiny.ann_file, folder / 'annotations' / f'densepose_open_{split}.json')
    return folder


@pytest.fixture
def settings(bench, dolls, tmp_path):
    return bench['run'].Settings(dolls, bench['data'].summarise(dolls), tmp_path / 'work',
                                 tmp_path / 'out' / 'runs')


@pytest.fixture
def fake(bench, settings, monkeypatch):
    """Return a function that makes runs whose commands are small scripts."""
    def make(script: str, count: int = 1) -> list:
        runs = [bench['run'].Run(bench['rows'].row_of('mid'), seed, settings)
                for seed in range(count)]

        def next_command(run):
            run.folder.begin(run.identity())
            if (run.folder.path / 'done').exists():
                return None
            run.stage = 'train'
            return [sys.executable, '-c', script, str(run.folder.path)]
        monkeypatch.setattr(bench['run'].Run, 'next_command', next_command)
        return runs
    return make


TOUCH = 'import sys, time, pathlib; p = pathlib.Path(sys.argv[1]); {}; (p / "done").touch()'


def test_summary_counts_and_notices_changes(bench, dolls, tmp_path):
    summary = bench['data'].summarise(dolls)
    assert summary.pictures == dict(train=12, val=2, test=2)
    assert summary.persons == dict(train=12, val=2, test=2)
    assert summary.people == dict(train=24, val=4, test=4)
    content = json.loads((dolls / 'annotations/densepose_open_train.json').read_text())
    listed = [s for ann in content['annotations'] for s in ann.get('dp_I', [])]
    assert summary.points_per_surface == [listed.count(k) for k in range(1, 25)]
    other = tmp_path / 'other'
    shutil.copytree(dolls, other)
    assert bench['data'].summarise(other).sha256 == summary.sha256
    picture = next((other / 'test').iterdir())
    picture.write_bytes(picture.read_bytes() + b'x')
    assert bench['data'].summarise(other).sha256 != summary.sha256
    picture.unlink()
    with pytest.raises(FileNotFoundError, match='make the data set again'):
        bench['data'].summarise(other)


def test_no_more_runs_at_a_time_than_jobs(bench, fake, tmp_path):
    note = (f'd = pathlib.Path({str(tmp_path)!r}); m = d / p.name; m.touch(); '
            '[time.sleep(.1) for _ in range(99) if len(list(d.glob("mid-*"))) < 2]; '
            'time.sleep(.3); (p / "seen").write_text(str(len(list(d.glob("mid-*"))))); m.unlink()')
    pool = bench['pool'].Pool(fake(TOUCH.format(note), 4), 2, interval=.02)
    pool.work()
    seen = [int((run.folder.path / 'seen').read_text()) for run in pool.finished]
    assert len(seen) == 4 and max(seen) == 2


def test_a_run_that_another_driver_has_finished_is_left_alone(bench, fake):
    run = fake(TOUCH.format('(p / "seen").touch()'))[0]
    pool = bench['pool'].Pool([run], 1, interval=.02)
    run.result_file.parent.mkdir(parents=True)
    run.result_file.write_text('{}')
    pool.work()
    assert [r.name for r in pool.finished] == ['mid-seed0'] and not run.folder.identity()
    assert run.folder.lock() is not None, 'the claim was given up'


def test_a_fault_in_one_run_does_not_end_the_others(bench, fake, monkeypatch):
    runs = fake(TOUCH.format('0'), 2)
    usual = bench['run'].Run.next_command

    def next_command(run):
        if run.seed == 0:
            raise RuntimeError('this checkpoint is not one')
        return usual(run)
    monkeypatch.setattr(bench['run'].Run, 'next_command', next_command)
    pool = bench['pool'].Pool(runs, 1, interval=.02)
    pool.work()
    assert [run.name for run in pool.finished] == ['mid-seed1']
    assert pool.failed == {'mid-seed0': 'RuntimeError: this checkpoint is not one'}


def test_commands_have_one_thread(bench, fake, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    code = 'import os; (p / "seen").write_text(os.environ["OMP_NUM_THREADS"] + os.environ["X"])'
    pool = bench['pool'].Pool(fake(TOUCH.format(code)), 1, settings={'X': 'y'}, interval=.02)
    pool.work()
    assert (pool.finished[0].folder.path / 'seen').read_text() == '1y'
    assert [t['kind'] for t in pool.finished[0].folder.times()] == ['train']


def test_times_are_there_before_the_end(bench, fake):
    # Work until a note says so, and then go on for five times a note's last digit, .001 minutes.
    work = """
import json, pathlib, sys, time
p = pathlib.Path(sys.argv[1])
while True:
    sum(range(10**6))
    text = (p / 'run.json').read_text()
    if any(t['cpu_minutes'] > 0 for t in json.loads(text).get('times', [])):
        break
(p / 'seen').write_text(text)
time.sleep(.3)
(p / 'done').touch()
"""
    pool = bench['pool'].Pool(fake(work), 1, minutes=5, interval=.02, noted=.1)
    began = time.monotonic()
    pool.work()
    took = (time.monotonic() - began) / 60
    assert pool.finished, pool.failed or f'{pool.stopped_by}: no note was made'
    folder = pool.finished[0].folder
    (noted,) = json.loads((folder.path / 'seen').read_text())['times']
    (ended,) = folder.times()
    assert noted['kind'] == ended['kind'] == 'train'
    assert 0 < noted['minutes'] < ended['minutes'] - .003
    assert ended['minutes'] < took + .001
    assert 0 < noted['cpu_minutes'] <= ended['cpu_minutes'] < took + .001


def test_a_failure_is_named_and_does_not_stop_the_others(bench, fake):
    code = 'print("ouch", flush=True); sys.exit(3) if p.name.endswith("0") else 0'
    pool = bench['pool'].Pool(fake(TOUCH.format(code), 2), 1, interval=.02)
    pool.work()
    assert [run.name for run in pool.finished] == ['mid-seed1']
    assert 'exit code 3' in pool.failed['mid-seed0'] and 'log.txt' in pool.failed['mid-seed0']
    log = (pool.finished[0].folder.path.parent / 'mid-seed0' / 'log.txt').read_text()
    assert log == 'ouch\n'


def test_the_deadline_ends_everything(bench, fake):
    runs = fake(TOUCH.format('time.sleep(60)'), 3)
    pool = bench['pool'].Pool(runs, 2, minutes=.01, interval=.02)
    began = time.monotonic()
    pool.work()
    assert time.monotonic() - began < 30
    assert pool.stopped_by == 'the minutes are over' and not pool.finished and not pool.failed
    assert [len(run.folder.times()) for run in runs] == [1, 1, 0]


def test_a_signal_ends_everything_and_handlers_come_back(bench, fake):
    before = signal.getsignal(signal.SIGTERM)
    kill = f'import os, signal; os.kill({os.getpid()}, signal.SIGTERM); time.sleep(60)'
    pool = bench['pool'].Pool(fake(TOUCH.format(kill)), 1, interval=.02)
    pool.work()
    assert pool.stopped_by == 'SIGTERM' and not pool.going
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_training_that_outlives_its_driver_keeps_others_away(bench, fake):
    run = fake(TOUCH.format('0'))[0]
    claim = run.folder.lock()
    orphan = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE,
                              pass_fds=(claim,))
    run.folder.unlock()
    pool = bench['pool'].Pool([run], 1, interval=.02)
    pool.work()
    assert pool.claimed == ['mid-seed0'] and not pool.finished
    orphan.communicate(b'\n')
    pool = bench['pool'].Pool([run], 1, interval=.02)
    pool.work()
    assert len(pool.finished) == 1


def test_a_folder_of_other_options_is_refused(bench, settings):
    row = bench['rows'].row_of('mid')
    run = bench['run'].Run(row, 0, settings)
    assert run.state() == 'not begun'
    run.folder.begin(run.identity())
    assert run.state() == 'begun'
    other = bench['run'].Run(row, 0, bench['run'].Settings(
        settings.data, settings.summary, settings.work_dir, settings.results, ('a=1',)))
    assert other.state() == 'outdated' and other.changed() == ['options']
    assert not run.changed()
    with pytest.raises(ValueError, match='begun with another config'):
        other.next_command()


def test_a_checkpoint_that_was_cut_off_is_not_used(bench, settings):
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    path = run.folder.path
    path.mkdir(parents=True)
    for epoch in (2, 10):
        torch.save(dict(w=torch.zeros(100)), path / f'epoch_{epoch}.pth')
    assert run.folder.checkpoint() == (10, path / 'epoch_10.pth')
    whole = (path / 'epoch_10.pth').read_bytes()
    (path / 'epoch_10.pth').write_bytes(whole[:-200])
    assert run.folder.checkpoint() == (2, path / 'epoch_2.pth')
    command = run.next_command()
    assert command[command.index('--resume') + 1] == str(path / 'epoch_2.pth')


@pytest.mark.parametrize('cut', ['test/figures.json', 'diagnosis/diagnosis.json'])
def test_figures_that_were_cut_off_are_made_again(bench, settings, cut):
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    path = run.folder.path
    for name in ('test/figures.json', 'diagnosis/diagnosis.json'):
        (path / name).parent.mkdir(parents=True)
        (path / name).write_text('{"a": 1}' if name != cut else '{"a": ')
    torch.save(dict(meta={}, state_dict={}), path / 'epoch_10.pth')
    command = run.next_command()
    assert run.stage == 'test' and command[1].endswith('test.py')
    with pytest.raises(FileNotFoundError, match=Path(cut).name):
        run.next_command()


def test_a_result_of_another_processor_counts(bench, settings):
    data = bench['data']
    summary = dataclasses.replace(settings.summary, sha256=data.WITHOUT_AVX512)
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0,
                           dataclasses.replace(settings, summary=summary))
    run.result_file.parent.mkdir(parents=True)
    for sha256, state in ((data.WITHOUT_AVX512, 'finished'), (data.MADE_FIRST, 'finished'),
                          (settings.summary.sha256, 'outdated')):
        run.result_file.write_text(json.dumps(dict(run.identity(), data_sha256=sha256)))
        assert run.state() == state


def test_a_result_of_an_older_augmentation_counts_a_run_that_was_begun_with_it_stops(
        bench, settings):
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    old = {key: value for key, value in run.identity().items() if key != 'augmentation'}
    run.folder.lock()
    run.folder.begin(old)
    run.folder.unlock()
    assert run.state() == 'outdated' and run.changed() == ['augmentation']
    with pytest.raises(ValueError, match='begun with another .*augmentation'):
        run.next_command()
    run.result_file.parent.mkdir(parents=True)
    run.result_file.write_text(json.dumps(old))
    assert run.state() == 'finished' and not run.changed()


def test_results_of_other_data_may_be_left_alone(bench, settings):
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    assert bench['tool'].unfinished([run]) == [run]
    run.result_file.parent.mkdir(parents=True)
    run.result_file.write_text(json.dumps(dict(run.identity(), data_sha256='other')))
    with pytest.raises(ValueError, match=r'^mid-seed0 .* other data\. .*--out .*--again'):
        bench['tool'].unfinished([run])
    run.result_file.write_text(json.dumps(run.identity()))
    assert bench['tool'].unfinished([run]) == []


def test_a_result_that_cannot_be_read_is_named(bench, settings):
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    run.result_file.parent.mkdir(parents=True)
    run.result_file.write_text('{')
    with pytest.raises(ValueError, match='mid-seed0.json: not a json file'):
        run.state()


def test_again_throws_all_away_unless_somebody_works_on_it(bench, settings):
    runs = [bench['run'].Run(bench['rows'].row_of('mid'), seed, settings) for seed in range(2)]
    files = []
    for run in runs:
        run.folder.begin(run.identity())
        files += [run.result_file, run.result_file.with_suffix('.txt'),
                  run.folder.path / 'run.json']
        for file in files[-3:-1]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text('{}')
    other = bench['run_folder'].RunFolder(runs[1].folder.path)
    assert other.lock() is not None
    with pytest.raises(ValueError, match='^mid-seed1: another process works on it'):
        bench['tool'].throw_away(runs)
    assert all(file.exists() for file in files)
    other.unlock()
    bench['tool'].throw_away(runs)
    assert not any(file.exists() for file in files)


def test_the_list_tells_how_far_each_run_is(bench, settings, capsys):
    runs = [bench['run'].Run(bench['rows'].row_of('mid'), seed, settings) for seed in range(3)]
    runs[0].result_file.parent.mkdir(parents=True)
    runs[0].result_file.write_text(json.dumps(dict(
        runs[0].identity(), figures={'GPS/AP': .1234}, minutes=61.6)))
    runs[1].folder.begin(runs[1].identity())
    torch.save({}, runs[1].folder.path / 'epoch_4.pth')
    runs.append(bench['run'].Run(bench['rows'].row_of('mid'), 3, settings))
    runs[3].result_file.write_text(json.dumps(dict(
        runs[3].identity(), config_sha256='c', options=['a=1'])))
    bench['tool'].print_list(runs)
    assert capsys.readouterr().out.splitlines() == [
        'mid-seed0  finished, GPS AP 12.3, 62 min', 'mid-seed1  begun, 4 of 10 epochs',
        'mid-seed2  not begun', 'mid-seed3  outdated: made with other config, options']


def test_without_pictures_the_list_tells_how_many_results_there_are(
        bench, tmp_path, monkeypatch, capsys):
    (tmp_path / 'out' / 'runs').mkdir(parents=True)
    for name in ('mid-seed0.json', 'mid-seed1.json', 'mid-seed1.txt'):
        (tmp_path / 'out' / 'runs' / name).touch()
    monkeypatch.setattr('sys.argv', ['open_body.py', '--rows', 'mid', '--list', '--out', str(
        tmp_path / 'out'), '--data', str(tmp_path / 'none')])
    assert bench['tool'].main() == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.split()[0] == 'mid' and last.startswith(f'2 results in {tmp_path}/out/runs; ')


def test_weights_that_are_not_there_are_named(bench, settings, tmp_path, monkeypatch):
    mid, scratch = ([bench['run'].Run(bench['rows'].row_of(name), 0, settings)]
                    for name in ('mid', 'baseline-res18'))
    monkeypatch.setattr(bench['tool'], 'ROOT', tmp_path)
    bench['tool'].check_backbones(scratch)
    with pytest.raises(FileNotFoundError, match='mid starts from it; python tools/convert_mob'):
        bench['tool'].check_backbones(mid)
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/mobilenetv2_imagenet.pth').touch()
    bench['tool'].check_backbones(mid)


def test_an_estimate_is_free_of_the_start(bench, settings, tmp_path, monkeypatch):
    def cpu_seconds(command, log, environment):
        log.parent.mkdir(parents=True, exist_ok=True)
        options = dict(word.partition('=')[::2] for word in command if '=' in word)
        if command[1].endswith('train.py'):  # 5 s to start, 0.5 s a step
            steps = (int(options['train_cfg.max_epochs'])
                     * int(options['train_dataloader.dataset.indices']) / 16)
            return 5 + .5 * steps
        return 3 + .01 * int(options['test_dataloader.dataset.indices'])
    monkeypatch.setattr(bench['measure'], '_cpu_seconds', cpu_seconds)
    run = bench['run'].Run(bench['rows'].row_of('mid'), 0, settings)
    bench['measure'].measure([run], 60, tmp_path / 'estimate.json', {})
    found = json.loads((tmp_path / 'estimate.json').read_text())['rows']['mid']
    # 12 persons make one step an epoch; five validations and the test, of four people each
    assert found == dict(measured_steps=60, cpu_seconds_per_step=.5, cpu_seconds_to_start=8.1,
                         tested_persons=4, cpu_seconds_per_tested_person=.01, steps=10,
                         minutes=round((8.1 + 10 * .5 + 24 * .01) / 60, 1))


def test_the_kept_log_has_no_folders_and_few_lines(bench, tmp_path):
    folder = bench['run_folder'].RunFolder(tmp_path)
    log = tmp_path / '20990101_000000' / '20990101_000000.log'
    log.parent.mkdir()
    stamp = '2099/01/01 00:00:00 - mmengine - INFO - '
    steps = [f'{stamp}Epoch(train)  [1][{step:3d}/375]  loss: {step}.5' for step in
             range(25, 376, 25)]
    place = '/'.join(['', 'home', 'somebody', 'data', 'x.pth'])
    log.write_text('\n'.join([stamp + 'config = ' + place, *steps,
                              f'{stamp}Load checkpoint from {place}',
                              f'{stamp}resumed epoch: 1, iter: 375',
                              f'{stamp}Epoch(val) [1][2/2]    densepose/GPS/AP: 0.1']))
    kept = folder.trimmed_log().splitlines()
    assert 'somebody' not in '\n'.join(kept)
    assert [line.split('[')[2].split('/')[0] for line in kept if 'train' in line] == [
        '100', '200', '300', '375']
    assert kept[-2].endswith('resumed epoch: 1, iter: 375') and 'GPS/AP: 0.1' in kept[-1]
    assert folder.progress() == (1, 375, 375, 375.5)


def test_a_result_names_all_code_that_it_went_through(bench, tmp_path, monkeypatch):
    folder = bench['run_folder'].RunFolder(tmp_path)
    for code in ('first', 'first', 'second'):
        monkeypatch.setattr(bench['run_folder'], 'describe_code', lambda code=code: code)
        folder.begin_time('train')
    codes = [time['code'] for time in folder.times()]
    assert codes == ['first', 'first', 'second']
    join = bench['run'].join_codes
    assert join(codes) == 'first, then second' and join(codes[:2]) == 'first'
    assert join([None, 'first']) == 'unknown, then first' and join([None, None]) is None


def drive(dolls: Path, folder: Path, *options: str) -> list[str]:
    """Return the command that trains two rows for four epochs of three small steps."""
    return [sys.executable, str(TOOLS / 'open_body.py'), '--rows', 'baseline', 'ktn-interp',
            '--seeds', '5', '--data', str(dolls), '--work-dir', str(folder / 'work'), '--out',
            str(folder / 'out'), *options, '--cfg-options', 'model.backbone.init_cfg=None',
            'train_cfg.max_epochs=4', 'train_dataloader.batch_size=4',
            'default_hooks.logger.interval=1']


@pytest.mark.slow
def test_runs_that_were_killed_end_as_runs_that_were_not(dolls, tmp_path):
    quiet = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    straight, halting = tmp_path / 'straight', tmp_path / 'halting'
    done = subprocess.run(drive(dolls, straight), **quiet)
    assert done.returncode == 0, done.stdout

    driver = subprocess.Popen(drive(dolls, halting), **quiet)
    first = halting / 'work' / 'baseline-seed5' / 'epoch_2.pth'
    while not (first.exists() and zipfile.is_zipfile(first)) and driver.poll() is None:
        time.sleep(.05)
    driver.send_signal(signal.SIGTERM)
    said = driver.communicate(timeout=120)[0]
    assert driver.returncode == 1 and 'SIGTERM; the same command goes on' in said
    assert not list((halting / 'out').glob('runs/*.json'))
    listed = subprocess.run(drive(dolls, halting, '--list'), **quiet).stdout
    assert 'baseline-seed5    begun' in listed and 'of 4 epochs' in listed

    done = subprocess.run(drive(dolls, halting), **quiet)
    assert done.returncode == 0, done.stdout
    for name in ('baseline-seed5', 'ktn-interp-seed5'):
        one, two = (json.loads((folder / 'out' / 'runs' / f'{name}.json').read_text())
                    for folder in (straight, halting))
        assert one['attempts'] == 1 and 1 <= two['attempts'] <= 2
        for key in ('figures', 'surfaces', 'bottleneck', 'config_sha256', 'data_sha256', 'data'):
            assert one[key] == two[key], (name, key)
        assert [p['epoch'] for p in one['curve']][-1] == 4
        assert {'GPS/AP', 'GPSm/AP', 'segm/AP', 'parts/mIoU', 'mean_GPS',
                'coco/AP'} <= set(one['figures'])
        assert len(one['surfaces']) == 24 and one['cpu_minutes'] > 0
        log = (halting / 'out' / 'runs' / f'{name}.txt').read_text()
        assert 'Epoch(val) [4]' in log and str(tmp_path) not in log
        assert str(tmp_path) not in json.dumps(two['data'])
        checkpoints = list((halting / 'work' / name).glob('*.pth'))
        assert [path.name for path in checkpoints] == ['epoch_4.pth']
        weights = [torch.load(folder / 'work' / name / 'epoch_4.pth', weights_only=False)
                   for folder in (straight, halting)]
        assert set(weights[0]) == {'meta', 'state_dict'}
        first, second = (content['state_dict'] for content in weights)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    # The first row had a checkpoint when it was stopped; the other one may have started anew.
    assert json.loads((halting / 'out/runs/baseline-seed5.json').read_text())['attempts'] == 2
    assert 'resumed epoch: 2' in (halting / 'out/runs/baseline-seed5.txt').read_text()

    again = subprocess.run(drive(dolls, halting), **quiet)
    assert again.returncode == 0 and '2 of 2 runs are finished, 0 to do' in again.stdout

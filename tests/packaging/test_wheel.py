"""The wheel, and an environment that has nothing of the clone but it."""
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from ktn_mm.testing import make_tiny_dataset

ROOT = Path(__file__).resolve().parents[2]
DEMO = 'ktn_mobilenetv2_1xb16-demo_open-body-128x96.py'
STACK = sysconfig.get_paths()['purelib']


def run(*command: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess:
    """Run a command outside of the clone, without any path into it."""
    clean = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          env={**clean, 'OMP_NUM_THREADS': '1', **environ})


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    """Build the wheel from a copy of the source, without network and isolation."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    source.mkdir()
    for name in ('ktn_mm', 'configs', 'tools', 'weights', 'demo'):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True,
                            ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('pyproject.toml', 'README.md', 'LICENSE', 'NOTICE', 'model-index.yml'):
        shutil.copy(ROOT / name, source / name)
    built = run(sys.executable, '-m', 'pip', 'wheel', '--no-build-isolation', '--no-deps',
                '--no-index', '-w', str(folder), str(source), cwd=folder)
    assert built.returncode == 0, built.stderr
    return next(folder.glob('ktn_mm-*.whl'))


def test_the_wheel_holds_configs_tools_and_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {f'ktn_mm/.mim/{path.relative_to(ROOT)}' for folder in ('configs', 'tools')
               for path in (ROOT / folder).rglob('*.py')}
    data = {str(path.relative_to(ROOT)) for path in (ROOT / 'ktn_mm').rglob('*')
            if path.is_file() and path.suffix not in ('.py', '.pyc') and '.mim' not in path.parts}
    code = {str(path.relative_to(ROOT)) for path in (ROOT / 'ktn_mm').rglob('*.py')
            if '.mim' not in path.parts}
    assert 'ktn_mm/surface/open_body.npz' in data
    weights = {f'ktn_mm/.mim/weights/{path.name}' for path in (ROOT / 'weights').iterdir()}
    assert any(name.endswith('.pth') for name in weights)
    wanted = sources | data | code | weights | {'ktn_mm/.mim/model-index.yml'}
    assert wanted - names == set()


def test_the_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split('/')[0].split('-')[0] for name in names} == {'ktn_mm'}
    assert not [name for name in names if name.endswith('.pyc')]


def test_the_wheel_asks_for_nothing_that_cannot_be_installed(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith('METADATA'))
    lines = archive.read(metadata).decode().splitlines()
    assert 'Name: ktn_mm' in lines
    assert 'License-Expression: Apache-2.0' in lines
    assert not [line for line in lines if line.startswith('Requires-Dist')
                and any(name in line for name in ('mmpose', 'chumpy', 'mmcv'))]


def test_the_wheel_tells_where_its_data_come_from(wheel):
    archive = zipfile.ZipFile(wheel)
    notice = next(name for name in archive.namelist() if name.endswith('licenses/NOTICE'))
    assert archive.read(notice) == (ROOT / 'NOTICE').read_bytes()


def test_every_picture_of_the_docs_has_its_origin():
    entry = (ROOT / 'NOTICE').read_text().split('\ndocs/images\n')[1]
    pictures = {path.name for path in (ROOT / 'docs' / 'images').iterdir()}
    assert {name for name in pictures if name not in entry} == set()


@pytest.fixture(scope='module')
def python(wheel, tmp_path_factory) -> str:
    """Install the wheel beside the stack of this environment, but without this clone."""
    folder = tmp_path_factory.mktemp('installed')
    venv.create(folder, with_pip=False)
    python = str(folder / 'bin' / 'python')
    site = Path(run(python, '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])',
                    cwd=folder).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The .pth files of that folder, such as the one that leads to the clone, are not read.
    (site / 'stack.pth').write_text(STACK + '\n')
    mim = folder / 'bin' / 'mim'
    mim.write_text(f'#!{python}\nfrom mim.cli import cli\ncli()\n')
    mim.chmod(0o755)
    return python


@pytest.mark.slow
def test_the_installed_package_is_its_own(python, tmp_path):
    code = ('import ktn_mm, pathlib; from ktn_mm import get_config_path\n'
            'from mmengine.config import Config\nprint(ktn_mm.__file__)\n'
            f'print(Config.fromfile(get_config_path({DEMO!r})).model.type)')
    out = run(python, '-W', 'ignore', '-c', code, cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    place, model = out.stdout.splitlines()[-2:]
    assert Path(place).is_relative_to(Path(python).parents[1]) and model.startswith('Topdown')


@pytest.fixture(scope='module')
def short_run(tmp_path_factory) -> tuple[Path, list[str]]:
    """Return a folder to work in, and options that make the demo config take two steps."""
    folder = tmp_path_factory.mktemp('run')
    paths = make_tiny_dataset(folder / 'dolls')
    annotation, images = paths.ann_file, paths.img_dir + '/'
    options = ['model.backbone.init_cfg=None', 'train_cfg.max_epochs=1']
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options += [f'{loader}.dataset.data_root=', f'{loader}.dataset.ann_file={annotation}',
                    f'{loader}.dataset.data_prefix.img={images}', f'{loader}.num_workers=0',
                    f'{loader}.persistent_workers=False', f'{loader}.batch_size=2']
    options += [f'{name}.{metric}.ann_file={annotation}' for metric in (0, 1)
                for name in ('val_evaluator', 'test_evaluator')]
    return folder, options


def mim(python: str) -> str:
    return str(Path(python).parent / 'mim')


def check(finished: subprocess.CompletedProcess) -> str:
    output = finished.stdout + finished.stderr
    assert finished.returncode == 0, output[-3000:]
    return output


WAYS = ('mim_mmpose', 'mim_ktn', 'module', 'tool')


@pytest.mark.parametrize('kind, way', [
    pytest.param(kind, way, marks=() if (kind, way) == ('wheel', 'mim_mmpose')
                 else pytest.mark.slow) for kind in ('wheel', 'clone') for way in WAYS])
def test_training_and_testing(kind, way, request, short_run):
    """Every way in the README: mim with either package, the modules, the tools."""
    python = request.getfixturevalue('python') if kind == 'wheel' else sys.executable
    folder, options = short_run[0] / f'{kind}-{way}', short_run[1]
    folder.mkdir()
    found = run(python, '-c', 'import importlib.util; '
                'print(importlib.util.find_spec("ktn_mm").origin)', cwd=folder)
    package = Path(found.stdout.splitlines()[-1]).parent
    assert (package.parent == ROOT) == (kind == 'clone')
    tools = package / '.mim' / 'tools'
    config = str(package / '.mim' / 'configs' / 'densepose_topdown' / DEMO)
    train, test = {
        'mim_mmpose': ([mim(python), 'train', 'mmpose', config],
                       [mim(python), 'test', 'mmpose', config, '-C']),
        'mim_ktn': ([mim(python), 'train', 'ktn_mm', DEMO],
                    [mim(python), 'test', 'ktn_mm', DEMO, '-C']),
        'module': ([python, '-m', 'ktn_mm.train', config], [python, '-m', 'ktn_mm.test', config]),
        'tool': ([python, str(tools / 'train.py'), config],
                 [python, str(tools / 'test.py'), config])}[way]
    path = f'{Path(python).parent}{os.pathsep}{os.environ["PATH"]}'
    work, tail = folder / 'work', ['--cfg-options', *options]
    trained = check(run(*train, '--work-dir', str(work), *tail, cwd=folder, PATH=path))
    checkpoint = next(work.glob('*.pth'))
    tested = check(run(*test, str(checkpoint), '--work-dir', str(folder / 'test'), *tail,
                       cwd=folder, PATH=path))
    figures = [re.findall(r'densepose/GPS/AP: (\S+)', text) for text in (trained, tested)]
    assert figures[0] == figures[1] and len(figures[0]) == 1


@pytest.mark.slow
@pytest.mark.parametrize('tool', ['train', 'test'])
def test_tools_from_a_clone_print_help_anywhere(tool, tmp_path):
    out = check(run(sys.executable, str(ROOT / 'tools' / f'{tool}.py'), '--help', cwd=tmp_path))
    assert '--cfg-options' in out

"""The set-up: refusals in one line, stages, cache keys, interrupted builds."""
import importlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def steps():
    """Import the modules of tools/environment, which are no part of the package."""
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        names = ('checks', 'mmcv_wheel', 'running')
        yield {name: importlib.import_module(f'environment.{name}') for name in names}
    finally:
        sys.path.remove(str(ROOT / 'tools'))


def run_setup(*arguments: str, **environ: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(ROOT / 'tools' / 'setup_env.py'), *arguments],
                          capture_output=True, text=True, env={**os.environ, **environ})


def refusal(run: subprocess.CompletedProcess) -> str:
    """Return the one line that a refused set-up prints."""
    assert run.returncode == 1
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1 and run.stdout == '', run.stdout + run.stderr
    return lines[0]


def test_checks_pass_here():
    assert 'fine' in run_setup('--check').stdout


def test_no_compiler_is_one_line(tmp_path):
    line = refusal(run_setup('--check', PATH=str(tmp_path), CXX=''))
    assert 'no C++ compiler' in line and 'apt-get install g++' in line


def test_a_wrong_cxx_is_one_line():
    line = refusal(run_setup('--check', CXX='no-such-compiler'))
    assert 'no-such-compiler' in line and 'CXX' in line


def test_an_old_compiler_is_one_line(tmp_path):
    compiler = tmp_path / 'c++'
    compiler.write_text('#!/bin/sh\necho "unknown option -std=c++17" >&2\nexit 1\n')
    compiler.chmod(0o755)
    assert 'unknown option -std=c++17' in refusal(run_setup('--check', CXX=str(compiler)))


@pytest.mark.parametrize('version', [(3, 8, 0), (3, 9, 18), (3, 13, 0), (4, 0, 0)])
def test_a_wrong_python_is_refused(steps, version):
    with pytest.raises(steps['checks'].SetupError, match=r'install Python 3\.11') as caught:
        steps['checks'].check_python(version)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('version', [(3, 10, 0), (3, 11, 7), (3, 12, 1)])
def test_a_right_python_is_taken(steps, version):
    steps['checks'].check_python(version)


def test_a_full_disk_is_refused(steps, tmp_path):
    with pytest.raises(steps['checks'].SetupError, match='GB free'):
        steps['checks'].check_disk(tmp_path, needed_gb=1e9)


def test_what_is_installed_needs_no_room_any_more(steps, tmp_path):
    free = shutil.disk_usage(tmp_path).free / 1e9
    venv = tmp_path / 'venv'
    with pytest.raises(steps['checks'].SetupError, match='GB free'):
        steps['checks'].check_disk(venv, needed_gb=free + 5)
    (venv / 'lib').mkdir(parents=True)
    with open(venv / 'lib' / 'torch.so', 'wb') as file:
        file.truncate(10**10)  # takes no room on the disk itself
    steps['checks'].check_disk(venv, needed_gb=free + 5)


def test_a_venv_may_go_where_no_folder_is_yet(tmp_path):
    assert 'fine' in run_setup('--check', '--venv', str(tmp_path / 'new' / 'venv')).stdout


def test_a_missing_library_is_named(steps, monkeypatch):
    steps['checks'].check_libraries()
    monkeypatch.setattr(steps['checks'], 'LIBRARIES', ('libnobody.so.1', ))
    with pytest.raises(steps['checks'].SetupError, match='no libnobody.so.1.*apt-get install'):
        steps['checks'].check_libraries()


@pytest.mark.parametrize('name', ['My Projects', 'a,b'])
def test_a_path_that_openmmlab_splits_is_refused(steps, name):
    with pytest.raises(steps['checks'].SetupError, match='move the clone'):
        steps['checks'].check_path(Path('home') / name / 'ktn')


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / 'file').write_text('no folder')
    line = refusal(run_setup('--check', KTN_MM_CACHE=str(tmp_path / 'file' / 'cache')))
    assert 'KTN_MM_CACHE' in line


def test_a_venv_whose_python_is_gone_is_made_anew(tmp_path, capsys):
    venv = tmp_path / 'venv'
    (venv / 'bin').mkdir(parents=True)
    (venv / 'bin' / 'python').symlink_to('/nowhere/python3')
    (venv / 'pyvenv.cfg').write_text('home = /nowhere')
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        import setup_env
        python = setup_env.make_venv(venv, tmp_path / 'log')
        inode = Path(python).lstat().st_ino
        assert setup_env.make_venv(venv, tmp_path / 'log') == python
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    assert 'making it anew' in capsys.readouterr().out
    assert subprocess.run([python, '-c', 'import pip']).returncode == 0
    assert Path(python).lstat().st_ino == inode


def test_a_missing_python_is_one_line(tmp_path):
    """Make finds no Python at all."""
    make = subprocess.run(['make', '-s', 'setup', 'PYTHON='], cwd=ROOT, capture_output=True,
                          text=True)
    assert make.returncode
    assert 'install Python 3.11' in make.stderr.splitlines()[0]


def test_stages_are_read_in_order():
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        setup_env = importlib.import_module('setup_env')
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    base, compiled, *others = setup_env.read_stages(ROOT / 'requirements.txt')
    assert base[0].startswith('torch==') and compiled == ['onedl-mmcv==2.3.6']
    rest = [line for stage in others for line in stage]
    assert 'mmpose==1.3.2' in rest and not any('#' in line for line in base + rest)


def test_mim_finds_the_clone(tmp_path):
    """`mim train ktn_mm` looks for the code beside the metadata."""
    code = ('from mim.utils import get_installed_path, is_installed\n'
            'print(is_installed("ktn_mm"), get_installed_path("ktn_mm"))')
    run = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], cwd=tmp_path, text=True,
                         capture_output=True)
    assert run.stdout.split() == ['True', str(ROOT / 'ktn_mm')], run.stderr


def test_the_cache_key_names_all_that_a_wheel_depends_on(steps):
    key = steps['mmcv_wheel'].wheel_key
    keys = {key('2.3.6', '2.10.0+cu128', 'cp311', cuda=False),
            key('2.3.6', '2.10.0+cu128', 'cp311', cuda=True),
            key('2.3.6', '2.10.0+cu128', 'cp312', cuda=False),
            key('2.3.6', '2.9.1', 'cp311', cuda=False), key('2.3.7', '2.9.1', 'cp311', cuda=False)}
    assert len(keys) == 5


def test_the_cache_can_be_moved(steps, tmp_path):
    folder = steps['mmcv_wheel'].cache_folder
    assert folder({'KTN_MM_CACHE': str(tmp_path)}) == tmp_path
    assert folder({'XDG_CACHE_HOME': str(tmp_path)}) == tmp_path / 'ktn_mm'


FAKE_PYTHON = """#!/bin/sh
# Stands for the environment's Python: answers the probe, and 'compiles' two files, one a call.
case "$1 $2" in
    "-W ignore") echo '{"torch": "2.10.0", "tag": "cp311", "gpu": false, "nvcc": false}' ;;
    "-m pip")
        for last; do :; done
        while [ "$1" != -d ]; do shift; done
        mkdir -p "$2/onedl_mmcv-2.3.6" && touch "$2/onedl_mmcv-2.3.6/setup.py"
        tar -C "$2" -czf "$2/onedl_mmcv-2.3.6.tar.gz" onedl_mmcv-2.3.6
        echo download >> "$CALLS" ;;
    "setup.py bdist_wheel")
        echo "build $MMCV_WITH_OPS" >> "$CALLS"
        if [ ! -f object ]; then touch object; echo "[1/2] c++"; exit 3; fi
        echo "[2/2] c++"; mkdir -p dist; echo wheel > dist/onedl_mmcv-2.3.6-cp311-x.whl ;;
esac
"""


def test_an_interrupted_build_goes_on(steps, tmp_path, monkeypatch, capsys):
    python, calls = tmp_path / 'python', tmp_path / 'calls'
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    monkeypatch.setenv('CALLS', str(calls))
    monkeypatch.setenv('KTN_MM_CACHE', str(tmp_path / 'cache'))
    build = steps['mmcv_wheel'].mmcv_wheel
    arguments = (str(python), 'onedl-mmcv==2.3.6', tmp_path / 'log')

    with pytest.raises(steps['checks'].SetupError, match='exit code 3.*log'):
        build(*arguments)
    assert not list((tmp_path / 'cache').rglob('*.whl'))
    wheel = build(*arguments)
    assert wheel.read_text() == 'wheel\n'
    assert calls.read_text().split('\n')[:-1] == ['download', 'build 1', 'build 1']
    assert build(*arguments) == wheel                       # and now it comes from the cache
    assert calls.read_text().count('build') == 2
    assert not list((tmp_path / 'cache' / 'build').iterdir())  # the objects are not kept
    assert '[1/2]' in (tmp_path / 'log').read_text()


def test_an_interrupt_ends_what_the_command_started(tmp_path):
    """A compiler that went on would write into the folder of the next run."""
    code = ('import signal, sys; sys.path.insert(0, sys.argv[1])\n'
            'from environment.running import run\nfrom pathlib import Path\n'
            'signal.signal(signal.SIGTERM, signal.default_int_handler)\n'
            'run(["sh", "-c", "sleep 60 & echo $! > pid; wait"], Path("log"), "sleep")')
    process = subprocess.Popen([sys.executable, '-c', code, str(ROOT / 'tools')], cwd=tmp_path,
                               stderr=subprocess.DEVNULL)
    pid = tmp_path / 'pid'
    while not (pid.exists() and pid.read_text().strip()):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    process.wait(timeout=20)
    for _ in range(100):
        state = Path(f'/proc/{pid.read_text().strip()}/stat')
        if not state.exists() or state.read_text().split()[2] == 'Z':
            break
        time.sleep(0.05)
    else:
        pytest.fail('the command still runs')


def test_a_second_set_up_waits_for_the_first(steps, tmp_path, capsys):
    """The kernel frees the lock of a process that died, so a stale file stops nobody."""
    (tmp_path / 'lock').write_text('')
    with steps['running'].locked(tmp_path / 'lock'):
        other = subprocess.Popen(
            [sys.executable, '-c', 'import sys; sys.path.insert(0, sys.argv[1])\n'
             'from environment.running import locked\nfrom pathlib import Path\n'
             'with locked(Path(sys.argv[2])): print("mine")', str(ROOT / 'tools'),
             str(tmp_path / 'lock')], stdout=subprocess.PIPE, text=True)
        assert 'Waiting' in other.stdout.readline()
        assert other.poll() is None
    assert other.communicate(timeout=20)[0] == 'mine\n'


def test_the_command_of_a_clone_runs(steps, tmp_path):
    """As pip would write it, which a clone does not ask; the name is pyproject's."""
    from setuptools.config.pyprojecttoml import load_file
    scripts = load_file(ROOT / 'pyproject.toml')['project']['scripts']
    assert scripts == {'ktn-mm': 'ktn_mm.cli:main'}
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        importlib.import_module('setup_env').write_command(sys.executable, tmp_path)
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    for command in ([str(tmp_path / 'ktn-mm')], [sys.executable, '-m', 'ktn_mm']):
        out = subprocess.run([*command, '--version'], capture_output=True, text=True, cwd=tmp_path,
                             env={**os.environ, 'PYTHONPATH': str(ROOT)})
        assert out.returncode == 0, out.stderr
        assert out.stdout.splitlines()[-1].count('.') == 2

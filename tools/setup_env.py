#!/usr/bin/env python3
"""Make the environment of KTN-MM: `python3 tools/setup_env.py`, or `make setup`.

Makes .venv in the clone and installs what requirements.txt lists, in its order; mmcv's ops are
compiled once and kept in ~/.cache/ktn_mm (KTN_MM_CACHE moves it). Run it again as often as you
like: what is done is not done again, and what was interrupted goes on. Standard library only.
"""
import sys

if sys.version_info < (3, 10):  # before anything that an old Python cannot read
    sys.exit('setup: Python %d.%d does not work: install Python 3.11 (3.10 and 3.12 work too), '
             'then `make setup PYTHON=python3.11`' % sys.version_info[:2])

import argparse  # noqa: E402
import hashlib  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
from environment.checks import SetupError, check_all, check_disk  # noqa: E402
from environment.mmcv_wheel import check_cache, mmcv_wheel  # noqa: E402
from environment.running import locked, run, say  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
STAMP = '.ktn_mm_ready'


def read_stages(path: Path) -> list[list[str]]:
    """Return the requirements below each headline `# --- ...` of requirements.txt."""
    stages: list[list[str]] = []
    for line in path.read_text(encoding='utf-8').splitlines():
        if line.startswith('# --- '):
            stages.append([])
        requirement = re.sub(r'(^|\s)#.*', '', line).strip()
        if requirement:
            if not stages:
                raise SetupError(f'{path}: {requirement!r} stands before the first `# --- ` line')
            stages[-1].append(requirement)
    if len(stages) < 3:
        raise SetupError(f'{path}: expected at least three `# --- ` headlines, got {len(stages)}')
    return stages


def fingerprint(root: Path) -> str:
    """Hash what the environment is made from: pins, package metadata, Python, and place."""
    parts = [(root / name).read_bytes() for name in ('requirements.txt', 'pyproject.toml')]
    parts += [sys.version.encode(), str(root).encode()]
    return hashlib.sha256(b'\0'.join(parts)).hexdigest()


def make_venv(venv: Path, log: Path) -> str:
    """Make the virtual environment unless a sound one is there; return its Python."""
    python = venv / 'bin' / 'python'
    base = Path(getattr(sys, '_base_executable', None) or sys.executable)
    if base.is_relative_to(venv):  # this runs from the venv, and Python 3.10 says no better
        base = base.resolve()
    if python.exists():
        probe = subprocess.run([str(python), '-c', 'import sys, pip; print(sys.version)'],
                               capture_output=True, text=True)
        if probe.returncode == 0 and probe.stdout.strip() == sys.version:
            return str(python)
    if (venv / 'pyvenv.cfg').is_file():  # its Python may be a link to one that is gone
        say(f'  {venv} is of another Python or broken; making it anew')
        shutil.rmtree(venv)
    run([str(base), '-m', 'venv', str(venv)], log, 'venv')
    return str(python)


def link_clone(python: str, root: Path, log: Path) -> None:
    """Make the clone importable, with its metadata beside the code, and its command `ktn-mm`.

    `pip install -e` would leave the metadata in site-packages, where mim then looks for the code.
    """
    run([python, '-c', 'import setuptools; setuptools.setup()', '-q', 'egg_info'], log, 'metadata',
        cwd=root)
    ask = 'import sysconfig; print(sysconfig.get_paths()["purelib"])'
    site = subprocess.run([python, '-c', ask], capture_output=True, text=True, check=True)
    (Path(site.stdout.strip()) / 'ktn_mm_clone.pth').write_text(f'{root}\n')
    write_command(python, Path(python).parent)


def write_command(python: str, folder: Path) -> None:
    """Write what pip would make of [project.scripts]."""
    command = folder / 'ktn-mm'
    command.write_text(f'#!{python}\nimport sys\n\nfrom ktn_mm.cli import main\n\n'
                       'sys.exit(main())\n')
    command.chmod(0o755)


def install(venv: Path, root: Path, log: Path) -> None:
    """Install everything; pip skips what is there with the right version."""
    base, compiled, *others = read_stages(root / 'requirements.txt')
    if len(compiled) != 1:
        raise SetupError(f'requirements.txt: stage 2 must be one requirement, got {compiled}')
    python = make_venv(venv, log)
    pip = [python, '-m', 'pip', 'install', '--disable-pip-version-check']
    say('1/4 torch and the build tools (3 GB to download; 2 to 10 minutes)')
    run([*pip, '-c', str(root / 'requirements.txt'), *base], log, 'torch')
    say('2/4 mmcv with its compiled ops')
    run([*pip, '--no-deps', str(mmcv_wheel(python, compiled[0], log))], log, 'mmcv')
    say('3/4 the rest of requirements.txt (1 to 3 minutes)')
    rest = [requirement for stage in others for requirement in stage]
    run([*pip, '--no-build-isolation', '--no-deps', *rest], log, 'packages')
    say('4/4 KTN-MM itself, and a look at the whole')
    link_clone(python, root, log)
    run([python, '-W', 'ignore', '-m', 'ktn_mm.check_env'], log, 'check', cwd=root)


def main() -> None:
    """Set up, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv', help='where to make it')
    parser.add_argument('--force', action='store_true', help='look at everything again')
    parser.add_argument('--check', action='store_true', help='only check what must be there')
    args = parser.parse_args()
    venv = args.venv.resolve()
    stamp, log = venv / STAMP, venv.parent / f'{venv.name}-setup.log'
    wanted = fingerprint(ROOT)
    if not (args.force or args.check) and stamp.is_file() and stamp.read_text() == wanted:
        return
    check_all(ROOT)
    check_cache(dict(os.environ))
    if args.check:
        check_disk(venv)
        say('setup: Python, compiler, libraries, disk and cache are fine')
        return
    with locked(venv.parent / f'{venv.name}-setup.lock'):
        if not args.force and stamp.is_file() and stamp.read_text() == wanted:
            return  # another process did it while this one waited
        check_disk(venv)
        say(f'Setting up {venv} (log: {log})')
        if stamp.is_file():
            stamp.unlink()
        log.write_text('')
        install(venv, ROOT, log)
        stamp.write_text(wanted)
    say(f'Ready: {venv}')


if __name__ == '__main__':
    os.environ.pop('PYTHONPATH', None)
    os.environ.pop('PIP_USER', None)
    for number in (signal.SIGTERM, signal.SIGHUP):  # end the compilers, as Ctrl-C does
        signal.signal(number, signal.default_int_handler)
    try:
        main()
    except SetupError as error:
        sys.exit(f'setup: {error}')
    except KeyboardInterrupt:
        sys.exit('setup: interrupted; run it again to go on')

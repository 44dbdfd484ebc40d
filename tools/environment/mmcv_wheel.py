"""mmcv with its ops, compiled once for each Python and torch, and kept.

The source is unpacked and compiled in the cache, so that a build that was interrupted goes on with
the files that are missing. The finished wheel is moved into place at once, or not at all.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from .checks import SetupError
from .running import locked, run, say

# Run inside the new environment. The ops are built for a GPU only where nvcc fits torch.
PROBE = """
import json, os, re, subprocess, sys, torch
from torch.utils.cpp_extension import CUDA_HOME
fits = False
if CUDA_HOME and torch.version.cuda:
    text = subprocess.run([os.path.join(CUDA_HOME, 'bin', 'nvcc'), '--version'],
                          capture_output=True, text=True).stdout
    found = re.search(r'release (\\d+)', text)
    fits = bool(found) and found[1] == torch.version.cuda.split('.')[0]
print(json.dumps(dict(torch=torch.__version__, tag=f'cp{sys.version_info[0]}{sys.version_info[1]}',
                      gpu=torch.cuda.is_available(), nvcc=fits)))
"""
FAST = '-DNDEBUG -g0 -O2 -w'  # Python's own -g -O3 takes twice as long and changes nothing here


def cache_folder(environ: dict[str, str]) -> Path:
    """Return where wheels are kept: KTN_MM_CACHE, or ktn_mm below the user's cache folder."""
    if environ.get('KTN_MM_CACHE'):
        return Path(environ['KTN_MM_CACHE']).expanduser().resolve()
    base = environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    return Path(base).expanduser().resolve() / 'ktn_mm'


def check_cache(environ: dict[str, str]) -> None:
    """Raise if nothing can be kept in the cache."""
    try:
        folder = cache_folder(environ)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:
        raise SetupError(f'the compiled mmcv cannot be kept ({error}): let KTN_MM_CACHE name a '
                         'folder that can be written') from error


def wheel_key(version: str, torch: str, tag: str, *, cuda: bool) -> str:
    """Name everything that a compiled wheel depends on."""
    system = sysconfig.get_platform().replace('-', '_').replace('.', '_')
    return f'mmcv{version}-torch{torch}-{tag}-{system}-{"cuda" if cuda else "cpu"}'


def find_wheel(folder: Path) -> Path | None:
    """Return the finished wheel of a cache folder, if there is one."""
    return next(iter(sorted(folder.glob('*.whl'))), None)


def unpack_source(python: str, requirement: str, folder: Path, log: Path) -> Path:
    """Download and unpack mmcv's source once; return its folder."""
    ready = folder / 'source'
    if ready.is_dir():
        return ready
    fresh = folder / 'download'
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    run([python, '-m', 'pip', 'download', '--no-deps', '--no-binary', ':all:',
         '--no-build-isolation', '-d', str(fresh), requirement], log, 'download mmcv')
    with tarfile.open(next(fresh.glob('*.tar.gz'))) as archive:
        if hasattr(tarfile, 'data_filter'):
            archive.extractall(fresh, filter='data')
        else:
            archive.extractall(fresh)
    next(path for path in fresh.iterdir() if path.is_dir()).rename(ready)
    shutil.rmtree(fresh)
    return ready


def mmcv_wheel(python: str, requirement: str, log: Path) -> Path:
    """Return the wheel of mmcv for this environment, compiling it if the cache has none.

    Args:
        python: the environment's interpreter; torch and the build tools are installed in it.
        requirement: such as ``onedl-mmcv==2.3.6``.
        log: file that the compiler's output is appended to.
    """
    environ = dict(os.environ)
    probe = subprocess.run([python, '-W', 'ignore', '-c', PROBE], capture_output=True, text=True)
    if probe.returncode:
        raise SetupError(f'torch does not work in the new environment: '
                         f'{probe.stderr.strip().splitlines()[-1]}')
    facts = json.loads(probe.stdout.splitlines()[-1])
    cuda = environ.get('FORCE_CUDA') == '1' or (facts['gpu'] and facts['nvcc'])
    if facts['gpu'] and not cuda:
        say("  Found a GPU, but no nvcc of torch's CUDA version: mmcv's own ops will run on the "
            'CPU only (KTN-MM needs none of them on the GPU; a detector may)')
        environ['CUDA_VISIBLE_DEVICES'] = ''
    version = requirement.split('==')[1]
    key = wheel_key(version, facts['torch'], facts['tag'], cuda=cuda)
    cache = cache_folder(environ)
    finished, build = cache / 'wheels' / key, cache / 'build' / key
    with locked(cache / f'{key}.lock'):
        wheel = find_wheel(finished)
        if wheel:
            say(f'  mmcv: using {wheel}')
            return wheel
        build.mkdir(parents=True, exist_ok=True)
        source = unpack_source(python, requirement, build, log)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 2
        environ.setdefault('MAX_JOBS', str(cores))
        environ.setdefault('CXXFLAGS', FAST)
        environ.update(MMCV_WITH_OPS='1',
                       PATH=f'{Path(python).parent}{os.pathsep}{environ.get("PATH", "")}')
        say(f"  mmcv: compiling its ops, about {20 // cores + 1} to {36 // cores + 1} minutes on "
            f'{cores} cores, once; interrupt it as you like, it goes on where it stopped')
        run([python, 'setup.py', 'bdist_wheel'], log, 'mmcv', cwd=source, env=environ)
        wheel = find_wheel(source / 'dist')
        if wheel is None:
            raise SetupError(f'mmcv was built, but there is no wheel in {source / "dist"}')
        finished.mkdir(parents=True, exist_ok=True)
        partial = finished / f'{wheel.name}.partial'
        shutil.copy2(wheel, partial)
        result = finished / wheel.name
        os.replace(partial, result)
        shutil.rmtree(build, ignore_errors=True)
    return result

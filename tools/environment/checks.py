"""What must be there before anything is downloaded; a problem is one line that says what to do."""
from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PYTHONS = ((3, 10), (3, 11), (3, 12))
DISK_GB = 10  # torch from the package index is the CUDA build: 3 GB to download, 8 GB installed
LIBRARIES = ('libGL.so.1', 'libgthread-2.0.so.0')  # which OpenCV's own libraries load


class SetupError(Exception):
    """Something that the user has to change; the message is one line."""


def check_python(version: tuple[int, ...]) -> None:
    """Raise unless mmcv and torch can be had for this Python."""
    if tuple(version[:2]) not in PYTHONS:
        raise SetupError(
            f'Python {version[0]}.{version[1]} does not work: install Python 3.11 (3.10 and 3.12 '
            'work too), then `make setup PYTHON=python3.11`')


def find_compiler(environ: dict[str, str]) -> list[str]:
    """Return the command of a C++ compiler: CXX if set, else c++ or g++ of the PATH."""
    wanted = [environ['CXX']] if environ.get('CXX') else ['c++', 'g++']
    for command in map(shlex.split, wanted):
        if command and shutil.which(command[0], path=environ.get('PATH', '')):
            return command
    raise SetupError(
        f'no C++ compiler ({" or ".join(wanted)} not found), and mmcv has to be compiled: install '
        'one, with `apt-get install g++` or `dnf install gcc-c++`, or point CXX at yours')


def check_compiler(environ: dict[str, str]) -> list[str]:
    """Compile one line against Python.h as C++17, and return the compiler's command."""
    compiler = find_compiler(environ)
    include = sysconfig.get_paths()['include']
    if not (Path(include) / 'Python.h').is_file():
        raise SetupError(
            f'no Python.h in {include}, and mmcv has to be compiled: install the headers, with '
            f'`apt-get install python3.{sys.version_info[1]}-dev`, or use another Python')
    run = subprocess.run(
        [*compiler, '-std=c++17', '-fsyntax-only', f'-I{include}', '-x', 'c++', '-'],
        input='#include <Python.h>\n#include <optional>\n', capture_output=True, text=True,
        env=environ)
    if run.returncode:
        first = (run.stderr.strip().splitlines() or ['no message'])[0]
        raise SetupError(f'{" ".join(compiler)} cannot compile C++17 ({first}): install g++ 9 or '
                         'later, or point CXX at another compiler')
    return compiler


def check_venv_module() -> None:
    """Raise if this Python cannot make a virtual environment with pip in it."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f'this Python has no {error.name}: install it, with `apt-get install '
            f'python3.{sys.version_info[1]}-venv`') from error


def check_libraries() -> None:
    """Raise if a library of the system is missing without which OpenCV cannot be imported."""
    try:
        import ctypes
    except ImportError as error:
        raise SetupError(f'this Python was built without ctypes ({error}), which torch needs: '
                         'install libffi and build it again, or use another Python') from error
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            raise SetupError(
                f'no {name}, which OpenCV needs: install it, with `apt-get install libgl1 '
                'libglib2.0-0` or `dnf install mesa-libGL glib2`') from None


def check_disk(venv: Path, needed_gb: float = DISK_GB) -> None:
    """Raise unless its disk has room for what the environment does not hold yet."""
    held = sum(os.lstat(os.path.join(folder, name)).st_size
               for folder, _, names in os.walk(venv) for name in names)
    needed = needed_gb - held / 1e9
    there = next(folder for folder in venv.parents if folder.is_dir())
    free = shutil.disk_usage(there).free / 1e9
    if free < needed:
        raise SetupError(
            f'{there} has {free:.1f} GB free and the environment needs {needed:.0f} (torch '
            'comes with its CUDA libraries): make room, or put the clone on another disk')


def check_path(root: Path) -> None:
    """Raise if the commands of OpenMMLab cannot work below this path."""
    if any(character.isspace() or character == ',' for character in str(root)):
        raise SetupError(f'{str(root)!r} has a space or a comma in it, at which `--cfg-options` '
                         'and mim split: move the clone')


def check_all(root: Path) -> None:
    """Check the path, Python, its venv module, the compiler, and libraries, in this order."""
    check_path(root)
    check_python(sys.version_info[:3])
    check_venv_module()
    check_compiler(dict(os.environ))
    check_libraries()

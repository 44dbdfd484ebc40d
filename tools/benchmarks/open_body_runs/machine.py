"""What a result says about where it was made."""
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from open_body_runs.rows import ROOT

PACKAGES = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmdetection', 'mmpose', 'numpy',
            'opencv-python')


def describe_machine() -> dict:
    """Return processor and number of cores that this process may use."""
    return dict(processor=_processor(), cores=len(os.sched_getaffinity(0)))


def describe_versions() -> dict[str, str]:
    """Return the versions of Python, ktn_mm and what it computes with; those that are there."""
    from ktn_mm.version import __version__
    found = dict(python=platform.python_version(), ktn_mm=__version__)
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_code() -> str | None:
    """Return the commit of the clone, with ' and changes' if files differ from it; None if git
    does not know."""
    def git(*words: str) -> str:
        return subprocess.run(['git', '-C', str(ROOT), *words], capture_output=True, text=True,
                              check=True).stdout.strip()
    try:
        changes = git('status', '--porcelain', '--untracked-files=no')
        return git('rev-parse', 'HEAD') + ' and changes' * bool(changes)
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()

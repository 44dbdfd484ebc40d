"""What a result says about where it was made."""
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()

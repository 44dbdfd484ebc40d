"""Does the stack work? ``python -m ktn_mm.check_env`` prints versions, what is wrong, what to do.

Exit code 0 only if everything imports, one of mmcv's compiled operators computes what it should,
and the classes of this package are registered.
"""
import importlib
import platform
import sys
import traceback
import warnings
from dataclasses import dataclass
from importlib import metadata

# import name, distribution, the versions that were seen to work
STACK = (
    ('numpy', 'numpy', '1.26.4'),
    ('scipy', 'scipy', '1.15.3'),
    ('cv2', 'opencv-python', '4.11.0.86'),
    ('pycocotools', 'pycocotools', '2.0.11'),
    ('xtcocotools.coco', 'xtcocotools', '1.14.3'),
    ('torch', 'torch', '2.10.0'),
    ('torchvision', 'torchvision', '0.25.0'),
    ('mmengine', 'onedl-mmengine', '0.10.12'),
    ('mmcv', 'onedl-mmcv', '2.3.6'),
    ('mmcv.ops', 'onedl-mmcv', '2.3.6'),
    ('mmdet.models', 'onedl-mmdetection', '3.5.1'),  # mmpose.models imports it
    ('mmpose.models', 'mmpose', '1.3.2'),
)
OPTIONAL = (
    ('av', 'av', '17.1.0', 'pictures are read, but no videos'),
    ('mim', 'openmim', '0.3.9', 'use `python -m ktn_mm.train` and `python -m ktn_mm.test`'),
)
ADVICE = (
    ('libGL', 'the system lacks libGL: `apt-get install libgl1 libglib2.0-0`'),
    ('libgthread', 'the system lacks glib: `apt-get install libglib2.0-0`'),
    ('mmcv._ext', 'mmcv was built without its ops: remove it, and install it with '
     '`MMCV_WITH_OPS=1 pip install --no-build-isolation --no-deps onedl-mmcv==2.3.6`'),
    ('dtype size changed', 'a package was compiled for numpy 1: `pip install numpy==1.26.4`'),
    ('pkg_resources', 'openmim needs an older setuptools: `pip install setuptools==80.10.2`'),
    ('torchvision::nms', 'torch and torchvision do not belong together: '
     '`pip install torch==2.10.0 torchvision==0.25.0`'),
    ('undefined symbol', 'it was compiled for another torch: `pip install torch==2.10.0`, or '
     'compile it again'),
    ('No module named', 'it is missing: `make setup` in a clone, or install requirements.txt as '
     'its head says'),
    ('not installed', 'install what is missing, as above'),
)


@dataclass
class Finding:
    """What one look at the stack found; ``problem`` is None where it is sound."""
    name: str
    version: str
    problem: str | None = None
    advice: str | None = None
    fatal: bool = True


def advise(problem: str) -> str:
    """Return what to do about an error message."""
    for sign, advice in ADVICE:
        if sign in problem:
            return advice
    return 'make a new environment with `make setup`, or as requirements.txt says'


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, or 'not installed'."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return 'not installed'


def look_at(module: str, distribution: str, seen: str, without: str | None = None) -> Finding:
    """Import a module and say what happened."""
    finding = Finding(module, installed_version(distribution), fatal=without is None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            importlib.import_module(module)
    except Exception as error:  # the point of this module is to name whatever it is
        finding.problem = f'{type(error).__name__}: {error}'
        finding.advice = advise(finding.problem)
        if without:
            finding.advice += f'; without it, {without}'
    else:
        if finding.version != seen:
            finding.version += f' (seen to work: {seen})'
    return finding


def look_at_operator() -> Finding:
    """Let mmcv's compiled non-maximum suppression choose between three boxes."""
    finding = Finding('an operator of mmcv', 'nms')
    try:
        import torch
        from mmcv.ops import nms
        boxes = torch.tensor([[0., 0., 10., 10.], [1., 1., 10., 10.], [20., 20., 30., 30.]])
        kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)[1].tolist()
        if kept != [0, 2]:
            finding.problem = f'nms kept the boxes {kept} instead of [0, 2]'
    except Exception as error:
        finding.problem = f'{type(error).__name__}: {error}'
    if finding.problem:
        finding.advice = advise(finding.problem)
    return finding


def look_at_registration() -> Finding:
    """Register this package's classes with mmpose."""
    from ktn_mm import __version__, register_all
    finding = Finding('ktn_mm', __version__)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            register_all()
    except ImportError as error:
        cause = error.__cause__ or error
        place = traceback.extract_tb(cause.__traceback__)[-1]
        finding.problem = f'{type(cause).__name__}: {cause} ({place.filename}:{place.lineno})'
        finding.advice = advise(finding.problem)
    return finding


def look_around() -> list[Finding]:
    """Look at everything, in an order in which the first problem likely causes the rest."""
    findings = [look_at(*row) for row in STACK]
    findings.append(look_at_operator())
    findings.append(look_at_registration())
    findings += [look_at(*row) for row in OPTIONAL]
    return findings


def main() -> int:
    """Print the findings; return the exit code."""
    print(f'Python {platform.python_version()} on {platform.platform()}')
    findings = look_around()
    for finding in findings:
        mark = 'ok ' if finding.problem is None else 'BAD' if finding.fatal else '-- '
        print(f'{mark} {finding.name:20s} {finding.version}')
        if finding.problem:
            print(f'      {finding.problem}\n      -> {finding.advice}')
    if 'torch' in sys.modules and hasattr(sys.modules['torch'], 'cuda'):
        torch = sys.modules['torch']
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'
        print(f'    GPU: {gpu}; threads: {torch.get_num_threads()}')
    broken = [finding.name for finding in findings if finding.problem and finding.fatal]
    print(f'The stack does not work: {", ".join(broken)}' if broken else 'The stack works.')
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())

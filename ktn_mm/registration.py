"""Telling mmpose about this package's classes, and the user about a broken stack."""
import contextlib
import importlib
import io
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

REGISTERING_MODULES = (
    'ktn_mm.codecs',
    'ktn_mm.datasets',
    'ktn_mm.engine',
    'ktn_mm.evaluation.metrics',
    'ktn_mm.models',
    'ktn_mm.visualization.densepose_visualizer',
)
NEEDED = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose')
HELP = ('Run `python -m ktn_mm.check_env` to see what is wrong; `make setup` in a clone of KTN-MM '
        'installs a set that works, requirements.txt lists it.')

_problem: Exception | None = None
_done = False


def register_all(*, strict: bool = True) -> bool:
    """Import every module that registers something with mmpose, and guard its checkpoints.

    From now on mmengine reads weights only in this process; see
    :func:`ktn_mm.engine.safe_loading.guard_mmengine`.

    Args:
        strict: raise whatever goes wrong. Otherwise a missing mmpose is fine and a broken one is
            a warning, unless mmengine is in use already: a config that imports this package
            cannot go on without it, so the error is raised then.

    Returns:
        True if everything is registered.

    Raises:
        ImportError: the OpenMMLab packages are missing or do not work together.
    """
    global _done, _problem
    if _done:
        return True
    strict = strict or sys.modules.get('mmengine') is not None
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing and not strict:
        _problem = ModuleNotFoundError(f'not installed: {", ".join(missing)}')
        return False
    try:
        if missing:
            raise ModuleNotFoundError(f'not installed: {", ".join(missing)}')
        with _without_hints():
            for module in REGISTERING_MODULES:
                importlib.import_module(module)
        from mmengine.config.utils import MODULE2PACKAGE

        from ktn_mm.engine.safe_loading import guard_mmengine
        MODULE2PACKAGE.setdefault('ktn_mm', 'ktn_mm')
        guard_mmengine()
    except Exception as error:  # a wrong version shows as ValueError, AssertionError, OSError ...
        _problem = error
        message = (f'KTN-MM cannot register its models with mmpose: {type(error).__name__}: '
                   f'{error}. {HELP}')
        if strict:
            raise ImportError(message) from error
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return False
    _done = True
    return True


@contextlib.contextmanager
def _without_hints() -> Iterator[None]:
    """Keep back what mmdet tells at its import of optional packages that nothing here uses."""
    said = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(said):
            warnings.filterwarnings('ignore', 'faster_coco_eval is not installed')
            yield
    finally:
        for line in said.getvalue().splitlines():
            if not line.startswith('Could not import OneDL'):
                print(line)


def is_command() -> bool:
    """Tell whether this process is ``ktn-mm`` or ``python -m ktn_mm``, and mmengine not in use.

    Importing torch and mmpose takes seconds, in which its help and its errors would have to wait.
    """
    if 'mmengine' in sys.modules:
        return False
    name = str((getattr(sys, 'argv', None) or [''])[0])
    if name != '-m':
        return Path(name).name == 'ktn-mm'
    # Python is still looking for the module that it was asked to run.
    words = sys.orig_argv
    return '-m' in words[:-1] and words[words.index('-m') + 1] == 'ktn_mm'


def require_openmmlab() -> None:
    """Register and guard as :func:`register_all` does, unless that has been done.

    Raises:
        ImportError: says what to do where the OpenMMLab packages are missing or broken.
    """
    if _done:
        return
    if _problem is not None:
        raise ImportError(f'this needs mmpose and what it stands on: {type(_problem).__name__}: '
                          f'{_problem}. {HELP}') from _problem
    register_all()

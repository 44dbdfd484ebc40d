"""Dense human pose with knowledge transfer, as a plugin of mmpose.

Importing this package registers its codecs, datasets, transforms, models, hooks, metrics and
visualizer in mmpose's own registries, and lets mmengine read nothing but weights from
checkpoints, if mmpose is installed. Without it, everything that needs numpy only (``surface``,
``knowledge``, ``synth``, ``evaluation``, ``check_env``) still imports; and with
``KTN_MM_STANDALONE`` in the environment it does so at once, without a look for mmpose. So it does
in the command ``ktn-mm``, which registers when it is about to run a network.
"""
import os

from .configs import get_config_path
from .registration import is_command, register_all, require_openmmlab
from .version import __version__

__all__ = ['__version__', 'get_config_path', 'register_all', 'require_openmmlab']

if not (os.environ.get('KTN_MM_STANDALONE') or is_command()):
    register_all(strict=False)

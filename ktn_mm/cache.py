"""Files that are computed once for each user and kept."""
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return ``$KTN_MM_CACHE``, else ``ktn_mm`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    own = os.environ.get('KTN_MM_CACHE')
    if own:
        return Path(own)
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'ktn_mm'


def keep(path: Path, write: Callable[[BinaryIO], object], what: str) -> bool:
    """Write a file that may be missing, but is never seen in part.

    Args:
        path: of the file; its folder is made.
        write: writes the content to the open file.
        what: name of the content for the log.

    Returns:
        False, with a warning, if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_or_nothing(path) as file:
            write(file)
    except OSError as error:
        logger.warning('cannot keep %s in %s (%s); the next process will compute it again', what,
                       path.parent, error)
        return False
    return True


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name when all is written, and vanishes if that fails."""
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with unfinished.open('wb') as file:
            yield file
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise

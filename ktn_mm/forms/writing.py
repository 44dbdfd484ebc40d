"""Files that are whole, or not there."""
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from ..cache import whole_or_nothing


def write_file(path: str | Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write a file such that nobody ever sees half of it.

    Raises:
        FileExistsError: if there is one already, unless ``overwrite``.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f'{path} exists already')
    with whole_or_nothing(path) as file:
        file.write(content)


def partial_path(path: Path) -> Path:
    """Return a name that a file may have until it is whole, another one each time."""
    return path.with_name(f'.{path.stem}.{secrets.token_hex(4)}.part{path.suffix}')


def take_name(partial: Path, path: Path, *, overwrite: bool = False) -> None:
    """Give a file that took long its name.

    Raises:
        FileExistsError: if another process has written a file of this name meanwhile, unless
            ``overwrite``; names where this one is instead.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f'{path} was written by somebody else meanwhile; what belongs there '
                              f'is in {partial}')
    os.replace(partial, path)


class RecordFile:
    """Write a JSON list of any length, record by record.

    The file gets its name when it is closed, also after an error or an interruption, and holds
    what was added until then.

    Args:
        path: of the file.
        overwrite: replace what is there when it is closed.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.overwrite = overwrite
        self._partial = partial_path(self.path)
        self._file = open(self._partial, 'w', encoding='utf-8')  # noqa: SIM115 (closed below)
        self._file.write('[')
        self._empty = True

    def add(self, records: Iterable[dict]) -> None:
        """Append records."""
        for record in records:
            self._file.write(('\n' if self._empty else ',\n') + json.dumps(record))
            self._empty = False

    def close(self) -> None:
        """Finish the list.

        Raises:
            FileExistsError: as :func:`take_name`.
        """
        self._file.write('\n]\n')
        self._file.close()
        take_name(self._partial, self.path, overwrite=self.overwrite)

    def __enter__(self) -> 'RecordFile':
        return self

    def __exit__(self, *error) -> None:
        self.close()

"""What a run was made of, kept in its folder, so that no other run goes on with its weights."""
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

RECORD = 'made_of.json'
"""The file of a run's folder that holds what it was made of."""
POINTER = 'last_checkpoint'
"""The file in which mmengine names the checkpoint that a run would go on from."""


def digest(paths: Iterable[Path], root: Path) -> str:
    """Return a hash of the names below ``root`` and of the contents of files, in any order."""
    total = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f'{path.relative_to(root)} {content}\n'.encode())
    return total.hexdigest()[:16]


def differences(before: dict, now: dict) -> list[str]:
    """Return the names of what is not the same in two records."""
    return sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))


def claim(folder: Path, made_of: dict) -> str | None:
    """Take a folder for a run, and put the run of other things that is there beside it.

    Args:
        folder: made if it is not there.
        made_of: whatever decides about the run's result, as JSON holds it.

    Returns:
        What is to be told about an earlier run; None if there is none.

    Raises:
        ValueError: if the folder would have to be moved away from under this process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / RECORD
    before = _read(record)
    told = None
    if before == made_of:
        if (folder / POINTER).exists():
            return f'{folder} holds a run of the same settings, data and source: going on with it'
        return None
    if before is not None or (folder / POINTER).exists():
        changed = ', '.join(differences(before, made_of)) if before else 'origin unknown'
        told = f'the run in {folder} is another one ({changed}); it is now {_put_aside(folder)}'
        folder.resolve().mkdir()
    record.write_text(json.dumps(made_of, indent=2) + '\n')
    return told


def _read(record: Path) -> dict | None:
    """Return a record; None if there is none that can be read."""
    try:
        return json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _put_aside(folder: Path) -> Path:
    """Give a folder the first free name with a number."""
    resolved = folder.resolve()
    if Path.cwd().is_relative_to(resolved):
        raise ValueError(f'{folder} holds another run and cannot be put aside: name a folder that '
                         'is not above the current one')
    number = 1
    while (aside := resolved.with_name(f'{resolved.name}_{number}')).exists():
        number += 1
    return resolved.rename(aside)

"""Where the shipped configs are."""
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

CONFIG_ROOT = Path(__file__).resolve().parent / '.mim' / 'configs'


def get_config_path(name: str, *, fragments: bool = True, others: Iterable[str] = ()) -> str:
    """Return the absolute path of a shipped config, in a clone as in an installed package.

    Use it as ``_base_`` of a config of your own: mmengine resolves ``mmpose::...`` but not
    ``ktn_mm::...`` before this package is imported.

    Args:
        name: file name, with or without ``.py``; folders in front of it are optional.
        fragments: find those in ``_base_`` too, of which configs are put together.
        others: what else the message may list.

    Raises:
        FileNotFoundError: no shipped config has this name; the message lists similar ones.
    """
    wanted = Path(name if name.endswith('.py') else f'{name}.py')
    root = CONFIG_ROOT.resolve()
    every = sorted(path for path in root.rglob('*.py')
                   if fragments or '_base_' not in path.relative_to(root).parts)
    found = [path for path in every if path.parts[-len(wanted.parts):] == wanted.parts]
    if len(found) == 1:
        return str(found[0])
    names = sorted({*(path.stem for path in every), *others})
    hint = [str(path) for path in found] or get_close_matches(wanted.stem, names, n=3, cutoff=0.3)
    problem = 'is the name of several configs' if found else 'is not a config of ktn_mm'
    raise FileNotFoundError(f'{name!r} {problem} ({root}); near: {", ".join(hint) or "none"}')

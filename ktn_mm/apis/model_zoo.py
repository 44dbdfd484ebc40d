"""From the name of a model to its config and its weights."""
from pathlib import Path

import yaml

from ..configs import CONFIG_ROOT, get_config_path

INDEX = CONFIG_ROOT.parent / 'model-index.yml'


def find_model(model: str, checkpoint: str | None = None,
               index: Path = INDEX) -> tuple[str, str]:
    """Return the config and the weights of a model.

    Args:
        model: path of a config, the name of one that is shipped, or the name or alias of a
            model in the metafiles that ``model-index.yml`` lists.
        checkpoint: path or address of the weights; by default what the metafile says.
        index: the model index.

    Raises:
        FileNotFoundError: there is no such config, model or checkpoint; similar names are told.
        ValueError: nobody published weights for this model.
    """
    entries = _entries(index)
    entry = next((entry for entry in entries if model in _names(entry)), None)
    if Path(model).is_file():
        config = model
    elif entry is not None:
        config = str((index.resolve().parent / entry['Config']).resolve())
    else:
        config = get_config_path(model, fragments=False, others=[
            name for entry in entries for name in _names(entry)])
    if checkpoint is None:
        if entry is None or not entry.get('Weights'):
            raise ValueError(f'{model}: no weights are published for it; give a checkpoint')
        checkpoint = str(entry['Weights'])
        if '://' not in checkpoint:
            checkpoint = str(index.resolve().parent / checkpoint)
    if '://' not in str(checkpoint) and not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: no such checkpoint')
    return config, str(checkpoint)


def names_of_task(task: str, index: Path = INDEX) -> list[str]:
    """Return the names and aliases of the models with published weights that do a task.

    Args:
        task: as the ``Results`` of the metafiles name it, such as 'Object Detection'.
        index: the model index.
    """
    return [name for entry in _entries(index) if entry.get('Weights')
            and any(result.get('Task') == task for result in entry.get('Results') or [])
            for name in _names(entry)]


def _entries(index: Path) -> list[dict]:
    """Return all models of the metafiles."""
    root = index.resolve().parent
    entries = []
    for metafile in yaml.safe_load(index.read_text(encoding='utf-8')).get('Import') or []:
        content = yaml.safe_load((root / metafile).read_text(encoding='utf-8'))
        entries += (content.get('Models') if isinstance(content, dict) else content) or []
    return entries


def _names(entry: dict) -> list[str]:
    alias = entry.get('Alias') or []
    return [entry['Name'], *([alias] if isinstance(alias, str) else alias)]

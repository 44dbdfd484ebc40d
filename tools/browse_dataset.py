"""Show what a config trains on: people's crops after augmentation, with their targets.

    python tools/browse_dataset.py CONFIG --out sheets

writes sheets of rows: the crop with its keypoints, the annotated points by surface, U and V, and
the parts and the person's mask on the grid of the network; grey is what no loss looks at.

    python tools/browse_dataset.py CONFIG --points --count 600

prints how many points of each surface they hold.
"""
import argparse
import sys
from pathlib import Path

ROWS = 8


def parse_args() -> argparse.Namespace:
    from mmengine.config import DictAction
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='path of a config, or the name of one that is shipped')
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument('--out', type=Path, metavar='DIR', help='folder for the sheets')
    wanted.add_argument('--points', action='store_true',
                        help='draw nothing, print how many points each surface has')
    parser.add_argument('--count', type=int, default=24, help='people (default: %(default)s)')
    parser.add_argument('--start', type=int, default=0,
                        help='first one, as the data set counts (default: %(default)s)')
    parser.add_argument('--repeat', type=int, default=1,
                        help='times that everyone is drawn, each augmented anew '
                        '(default: %(default)s)')
    parser.add_argument('--scale', type=int, default=2,
                        help='how much larger than the crop (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the augmentation')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        metavar='KEY=VALUE', help='change settings of the config')
    parser.add_argument('--overwrite', action='store_true', help='replace sheets that exist')
    args = parser.parse_args()
    if min(args.count, args.repeat, args.scale) < 1 or args.start < 0:
        parser.error('--count, --repeat and --scale must be at least 1, --start at least 0')
    return args


def build_dataset(args: argparse.Namespace):
    """Return the training data set of the config, which hands out crops with all targets."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmengine.runner import set_random_seed
    from mmpose.registry import DATASETS

    from ktn_mm import get_config_path, require_openmmlab
    require_openmmlab()
    config = Config.fromfile(args.config if Path(args.config).is_file()
                             else get_config_path(args.config))
    config.merge_from_dict(args.cfg_options)
    init_default_scope(config.get('default_scope', 'mmpose'))
    set_random_seed(args.seed)
    dataset = config.train_dataloader.dataset
    dataset.pipeline[-1].pack_transformed = True  # keypoints where they are in the crop
    return DATASETS.build(dataset)


def draw_person(item: dict, scale: int) -> list:
    """Return the panels of a sample as the data set packs it."""
    import numpy as np

    from ktn_mm.visualization.sample_panels import sample_panels
    sample = item['data_samples']
    instances, labels = sample.gt_instances, sample.gt_instance_labels
    kept = np.asarray(labels.dp_surfaces[0]) > 0
    keypoints = np.column_stack([instances.transformed_keypoints[0],
                                 2 * np.ravel(instances.keypoints_visible[0])[:17]])
    return sample_panels(
        item['inputs'].numpy().transpose(1, 2, 0)[..., ::-1], keypoints,
        np.asarray(labels.dp_points[0])[kept], np.asarray(labels.dp_surfaces[0])[kept],
        np.asarray(labels.dp_uv[0])[kept], np.asarray(sample.gt_fields.dp_parts[0]),
        np.asarray(sample.gt_fields.dp_mask[0]), scale=scale)


def print_points(dataset, indices: list[int]) -> None:
    """Print the points of each surface that the codec hands to the losses, and their shares."""
    import numpy as np
    from tqdm import tqdm

    from ktn_mm.surface.charts import NUM_SURFACES, SURFACES
    counts = np.zeros(NUM_SURFACES + 1, np.int64)
    for index in tqdm(indices, unit='person'):
        labels = dataset[index]['data_samples'].gt_instance_labels
        counts += np.bincount(np.ravel(labels.dp_surfaces), minlength=len(counts))
    counts = counts[1:]  # 0 fills up
    total = counts.sum()
    if not total:
        raise ValueError(f'none of the {len(set(indices))} people has points; raise --count')
    print('| surface | points | % |\n| --- | ---: | ---: |')
    for surface, count in zip(SURFACES, counts, strict=True):
        print(f'| {surface.name} | {count:,} | {100 * count / total:.1f} |')
    least = counts.min()
    print(f'\n{len(indices)} people, {total / len(indices):.1f} points each; the most frequent '
          f'surface has {f"{counts.max() / least:.1f}" if least else "infinitely many"} times the '
          'points of the rarest')


def draw_sheets(dataset, indices: list[int], args: argparse.Namespace) -> None:
    """Write sheets of people.

    Raises:
        FileExistsError: if there are sheets already, without --overwrite.
    """
    from tqdm import tqdm

    from ktn_mm.forms import write_file
    from ktn_mm.forms.saving import encode_picture
    from ktn_mm.visualization import contact_sheet
    from ktn_mm.visualization.sample_panels import TITLES
    sheets = [indices[k:k + ROWS] for k in range(0, len(indices), ROWS)]
    paths = [args.out / f'sheet_{number:03d}.png' for number in range(1, len(sheets) + 1)]
    existing = [path for path in paths if path.exists()]
    if existing and not args.overwrite:
        raise FileExistsError(f'{existing[0]} exists already; --overwrite replaces it')
    with tqdm(total=len(indices), unit='person') as bar:
        for path, shown in zip(paths, sheets):
            rows = []
            for index in shown:
                rows.append(draw_person(dataset[index], args.scale))
                bar.update()
            sheet = contact_sheet(rows, list(TITLES), height=rows[0][0].shape[0])
            write_file(path, encode_picture(sheet, '.png'), overwrite=args.overwrite)
    print(f'{len(indices)} people of {len(dataset)} -> {paths[0]}'
          + (f' ... {paths[-1]}' if len(paths) > 1 else ''))


def main() -> int:
    args = parse_args()
    from ktn_mm.apis.result_writer import check_writable
    if args.out:
        check_writable(args.out)
    dataset = build_dataset(args)
    indices = [i for i in range(args.start, min(args.start + args.count, len(dataset)))
               for _ in range(args.repeat)]
    if not indices:
        raise ValueError(f'--start {args.start}: the data set has {len(dataset)} people')
    if args.points:
        print_points(dataset, indices)
    else:
        draw_sheets(dataset, indices, args)
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'error: {error}')

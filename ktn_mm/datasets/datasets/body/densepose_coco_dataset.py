"""DensePose-COCO, one person a sample."""
import logging
import os.path as osp

import numpy as np
from mmengine.fileio import exists, get_local_path, isdir
from mmengine.logging import print_log
from mmpose.datasets.datasets.body import CocoDataset
from mmpose.registry import DATASETS
from xtcocotools.coco import COCO

from ktn_mm.datasets.annotation import (
    check_box,
    check_keypoints,
    choose_points,
    clip_box,
    read_points,
)
from ktn_mm.datasets.datasets.body.metainfo import COCO_DENSEPOSE
from ktn_mm.datasets.detections import DetectedBox, read_detections
from ktn_mm.datasets.report import FaultReport, LeftOut
from ktn_mm.evaluation.annotation_layout import check_images
from ktn_mm.structures.crop_frame import box_to_image
from ktn_mm.structures.dense_annotation import (
    FRAME,
    AnnotationError,
    check_policy,
    is_dense,
    read_masks,
)
from ktn_mm.surface.charts import NUM_KEYPOINTS, PARTS, SURFACES

DENSE = ('required', 'only', 'optional')
HELP = ('docs/data.md tells where data sets go; tools/make_synth_dataset.py makes the open-body '
        'ones')


@DATASETS.register_module()
class DensePoseCocoDataset(CocoDataset):
    """People with COCO keypoints and dense correspondences.

    Reads COCO json files with the fields ``dp_x``, ``dp_y``, ``dp_I``, ``dp_U``, ``dp_V`` and
    ``dp_masks`` (DensePose-COCO, UltraPose, DensePose-Chimps), and COCO's 17 ``keypoints``,
    of which only the number is checked: PoseTrack's are other ones. Persons without them stay, as
    targets of the keypoints and of the person's mask. Crowds, and for
    training persons with neither, are left out; the log tells how many.
    To the keys of mmpose's ``CocoDataset`` a sample adds:

    - ``dp_points`` (P, 2) float32: annotated points as pixel indices of the image
    - ``dp_surfaces`` (P,) int64: 1..24
    - ``dp_uv`` (P, 2) float32: in [0, 1]
    - ``dp_masks``: RLEs of the 14 parts, or one of the body, or None; for ``LoadDenseMasks``
    - ``dp_box`` (4,) float64: (x, y, w, h) that the masks are stretched over
    - ``ann_file``: where it comes from, for messages
    - ``img_shape`` (h, w): size of the image as annotated; ``LoadPersonImage`` compares

    ``raw_ann_info`` is not kept, so that points and masks are not stored and sent twice.
    Two persons that share one annotation id, as in the official files, are both kept; for testing
    the second one gets a new ``id``, as evaluation knows samples by it.

    Source: annotation format of DensePose-COCO (Gueler et al., CVPR 2018); ``dp_x`` and ``dp_y``
    count 256 units along a side of the box.

    Args:
        *args: as of mmpose's ``CocoDataset``; ``data_mode`` is always ``'topdown'``.
        on_bad: what to do about an annotation that cannot be right. 'skip' leaves out the dense
            annotation or, if the box is bad, the person; counts, and logs one summary. 'error'
            raises.
        dense: 'required' raises if no person at all has a dense annotation; 'only' also leaves
            out persons without; 'optional' takes any COCO keypoint file. With ``bbox_file``, where
            the annotation file only lists images, it does not matter.
        point_share: part of every person's annotated points that is kept, in (0, 1]; at least
            one, and the same ones each time. Masks and keypoints stay.
        **kwargs: as of mmpose's ``CocoDataset``.

    Raises:
        FileNotFoundError: if the annotation file, box file or image folder is missing.
        ValueError: if a file has another form, or, with ``on_bad='error'``, at the first bad
            annotation; names file, annotation id, field and value.
    """

    METAINFO: dict = COCO_DENSEPOSE

    def __init__(self, *args, on_bad: str = 'skip', dense: str = 'required',
                 point_share: float = 1., **kwargs) -> None:
        if dense not in DENSE:
            raise ValueError(f'DensePoseCocoDataset: dense must be one of {DENSE}, got {dense!r}')
        self.on_bad = check_policy('DensePoseCocoDataset', on_bad)
        if not 0 < point_share <= 1:
            raise ValueError('DensePoseCocoDataset: point_share must be in (0, 1], got '
                             f'{point_share!r}')
        self.dense = dense
        self.point_share = point_share
        self._report = FaultReport('', on_bad)
        self._left_out = LeftOut()
        super().__init__(*args, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """Add the names of surfaces and parts, which mmpose's parser would drop."""
        return dict(super()._load_metainfo(metainfo),
                    surface_names=[surface.name for surface in SURFACES],
                    part_names=[part.name for part in PARTS])

    def load_data_list(self) -> list[dict]:
        """Read all persons, or all boxes of ``bbox_file``."""
        if self.data_mode != 'topdown':
            raise ValueError("DensePoseCocoDataset: data_mode must be 'topdown', got "
                             f'{self.data_mode!r}')
        source = self.bbox_file or self.ann_file
        self._report = FaultReport(source, self.on_bad,
                                   'detection' if self.bbox_file else 'annotation')
        self._left_out = LeftOut()
        data_list = super().load_data_list()
        self._report.log()
        if not data_list:
            reasons = [str(said) for said in (self._left_out, self._report) if said.total]
            raise ValueError(f'{source}: no person is left; '
                             + ('\n'.join(reasons) or 'there is none in the file'))
        if self._left_out.total:
            print_log(f'{source}: {len(data_list)} people are used; {self._left_out}',
                      logger='current', level=logging.INFO)
        return data_list

    def _load_coco(self) -> COCO:
        """Open the annotation file."""
        if not exists(self.ann_file):
            raise FileNotFoundError(f'annotation file {self.ann_file!r} does not exist; {HELP}')
        folder = self.data_prefix.get('img', '')
        if folder and '://' not in folder and not isdir(folder):
            raise FileNotFoundError(f'image folder {folder!r} does not exist; {HELP}')
        try:
            with get_local_path(self.ann_file) as path:
                coco = COCO(path)
        except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
            raise ValueError(f'{self.ann_file}: not a COCO annotation file '
                             f'({type(error).__name__}: {error})') from error
        for field in ('images', 'annotations'):
            if field not in coco.dataset and not (field == 'annotations' and self.bbox_file):
                raise ValueError(f'{self.ann_file}: no {field!r} in the file')
        check_images(coco.dataset['images'], self.ann_file)
        for image in coco.dataset['images']:
            if not image.get('file_name'):
                raise ValueError(f'{self.ann_file}: image {image["id"]}: file_name = '
                                 f'{image.get("file_name")!r}')
        self._metainfo['CLASSES'] = coco.dataset.get('categories', [])
        return coco

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """Return the persons and the images of the annotation file."""
        self.coco = self._load_coco()
        annotations = self.coco.dataset['annotations']
        if self.dense != 'optional' and not any(is_dense(ann) for ann in annotations):
            raise ValueError(f'{self.ann_file}: no DensePose annotation: none of its '
                             f'{len(annotations)} persons has dp_* fields')
        person_ids = self._person_categories()
        images, interval = {}, self.sample_interval
        for image in self.coco.dataset['images']:
            if interval > 1 and isinstance(image['id'], str):
                raise ValueError(f'{self.ann_file}: image {image["id"]!r}: sample_interval='
                                 f'{interval} needs numbers as ids')
            if interval == 1 or image['id'] % interval == 0:
                path = osp.join(self.data_prefix['img'], image['file_name'])
                images[image['id']] = dict(image, img_id=image['id'], img_path=path)
        persons = {img_id: [] for img_id in images}
        # Not by the index of ids: two persons may share one, and the index knows only the last.
        for ann in annotations:
            if ann.get('category_id', 1) not in person_ids:
                self._left_out.add('of other categories')
                continue
            if ann.get('image_id') not in self.coco.imgs:
                self._report.add(AnnotationError('no such image', f'image_id = '
                                                 f'{ann.get("image_id")}'), ann.get('id'),
                                 'person')
            elif ann['image_id'] in persons:
                info = self.parse_data_info(
                    dict(raw_ann_info=ann, raw_img_info=images[ann['image_id']]))
                if info is not None:
                    persons[ann['image_id']].append(info)
        people = [info for infos in persons.values() for info in infos]
        if self.test_mode:
            _renumber_twins(people)
        return people, list(images.values())

    def _person_categories(self) -> set:
        """Return the ids of the category 'person'; all, if none is called so."""
        categories = self.coco.dataset.get('categories', [])
        named = {c['id'] for c in categories if c.get('name') == 'person'}
        return named or {c['id'] for c in categories} or {1}

    def parse_data_info(self, raw_data_info: dict) -> dict | None:
        """Turn one annotation into a sample; None if the person cannot be used.

        Args:
            raw_data_info: ``raw_ann_info``, the annotation, and ``raw_img_info``, its image.
        """
        ann, image = raw_data_info['raw_ann_info'], raw_data_info['raw_img_info']
        try:
            box = check_box(ann, image['width'], image['height'])
            keypoints = self._check_keypoints(ann)
        except AnnotationError as fault:
            self._report.add(fault, ann.get('id'), 'person')
            return None
        # The parent copies all it gets; points, masks and outlines need no copy.
        plain = {key: ann[key] for key in ('id', 'image_id', 'bbox', 'area', 'iscrowd')
                 if key in ann}
        plain.update(keypoints=keypoints, category_id=ann.get('category_id', 1),
                     num_keypoints=sum(v > 0 for v in keypoints[2::3]))
        info = super().parse_data_info(dict(raw_ann_info=plain, raw_img_info=image))
        del info['raw_ann_info']
        # The parent clips to the last pixel's index and so cuts off the last row and column.
        corners = clip_box(box, image['width'], image['height'])
        info.update(self._parse_dense(ann, box), dp_box=box, bbox=corners.astype(np.float32)[None],
                    segmentation=ann.get('segmentation'), ann_file=self.ann_file,
                    img_shape=(image['height'], image['width']))
        return info

    def _check_keypoints(self, ann: dict) -> list[float]:
        """Return the keypoints; in testing, a person with bad ones is to be found all the same."""
        try:
            return check_keypoints(ann, NUM_KEYPOINTS)
        except AnnotationError as fault:
            if not self.test_mode:
                raise
            self._report.add(fault, ann.get('id'), 'keypoints')
            return [0] * (3 * NUM_KEYPOINTS)

    def _parse_dense(self, ann: dict, box: np.ndarray) -> dict:
        """Return the keys of the dense annotation; empty ones if it is bad or missing."""
        try:
            points, surfaces, uv = read_points(ann)
            masks = read_masks(ann)
        except AnnotationError as fault:
            self._report.add(fault, ann.get('id'), 'dense annotation')
            points, surfaces, uv = read_points({})
            masks = None
        if self.point_share < 1 and len(surfaces):
            chosen = choose_points(len(surfaces), self.point_share, ann.get('id'))
            points, surfaces, uv = points[chosen], surfaces[chosen], uv[chosen]
        return dict(dp_points=box_to_image(points, box, FRAME).astype(np.float32),
                    dp_surfaces=surfaces, dp_uv=uv, dp_masks=masks)

    def _get_topdown_data_infos(self, instance_list: list[dict]) -> list[dict]:
        """Return the people that can serve; count the others."""
        kept = []
        for info in instance_list:
            reason = self._unfit(info)
            if reason is None:
                kept.append(info)
            else:
                self._left_out.add(reason)
        return kept

    def _unfit(self, info: dict) -> str | None:
        """Return why there is nothing to learn from a person or to test; None if there is."""
        if info.get('iscrowd'):
            return 'crowds'
        dense = len(info['dp_points']) > 0 or info['dp_masks'] is not None
        if self.dense == 'only' and not dense:
            return 'without dense annotation'
        if self.test_mode or dense or info['num_keypoints'] > 0:
            return None
        return 'without keypoints and dense annotation'

    def _load_detection_results(self) -> list[dict]:
        """Turn the boxes of a detector into samples."""
        detections = read_detections(self.bbox_file)
        self.coco = self._load_coco()
        person_ids = self._person_categories()
        known = next(iter(self.coco.imgs), None)
        data_list = []
        for index, found in enumerate(detections):
            if found.category_id not in person_ids:
                ids = sorted(person_ids, key=str)
                self._left_out.add(f'of other categories than {ids}, the person',
                                   f'category_id = {found.category_id!r}')
                continue
            if found.image_id not in self.coco.imgs:
                self._left_out.add(f'in images that {self.ann_file} does not list',
                                   f'image_id = {found.image_id!r}, an id there is {known!r}')
                continue
            image = self.coco.imgs[found.image_id]
            corners = clip_box(found.box, image['width'], image['height'])
            if (corners[2:] <= corners[:2]).any():
                self._report.add(AnnotationError('box outside the image or without area',
                                                 f'bbox = {found.box.tolist()}'),
                                 index, 'detection')
                continue
            data_list.append(self._detected_person(len(data_list), found, corners, image))
        return data_list

    def _detected_person(self, index: int, found: DetectedBox, corners: np.ndarray,
                         image: dict) -> dict:
        """Return the sample of a detected box, clipped to x1, y1, x2, y2: nothing annotated."""
        box = np.concatenate([corners[:2], corners[2:] - corners[:2]])
        return dict(
            id=index, img_id=image['id'], img_shape=(image['height'], image['width']),
            img_path=osp.join(self.data_prefix['img'], image['file_name']),
            bbox=corners.astype(np.float32)[None], bbox_score=np.array([found.score], np.float32),
            keypoints=np.zeros((1, NUM_KEYPOINTS, 2), np.float32),
            keypoints_visible=np.zeros((1, NUM_KEYPOINTS), np.float32),
            category_id=np.array(found.category_id), segmentation=None, dp_box=box,
            ann_file=self.bbox_file, **self._parse_dense({}, box))


def _renumber_twins(people: list[dict]) -> None:
    """Give every person an id of its own, in place; the first of an id keeps it."""
    fresh = max((info['id'] for info in people), default=0)
    seen = set()
    for info in people:
        if info['id'] in seen:
            fresh += 1
            info['id'] = fresh
        seen.add(info['id'])

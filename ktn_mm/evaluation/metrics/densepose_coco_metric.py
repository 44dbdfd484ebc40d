"""GPS evaluation inside mmengine's Runner."""
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.fileio import get_local_path
from mmengine.logging import MessageHub, print_log
from mmpose.registry import METRICS

from ktn_mm.evaluation.challenge_json import to_record, write_results
from ktn_mm.evaluation.coco_ap import score_thresholds
from ktn_mm.evaluation.detection import Detection, measure
from ktn_mm.evaluation.diagnosis import diagnose
from ktn_mm.evaluation.diagnosis_table import diagnosis_table, parts_table
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.oddities import annotation_oddities, detection_oddities
from ktn_mm.evaluation.part_figures import part_figures
from ktn_mm.evaluation.picture import box_picture
from ktn_mm.evaluation.prepared import prepare
from ktn_mm.evaluation.protocol import KINDS, check_kinds, evaluate
from ktn_mm.evaluation.rules import Compat, rules_of
from ktn_mm.evaluation.table import figures_table
from ktn_mm.structures.crop_frame import CropFrame
from ktn_mm.structures.dense_annotation import check_policy
from ktn_mm.surface.template import SurfaceTemplate
from ktn_mm.visualization.diagnosis_plot import write_diagnosis

PREDICTION_KEYS = ('dense_labels', 'dense_uv', 'input_center', 'input_scale', 'bboxes',
                   'bbox_scores')
BOX_DECIMALS = 3
"""Boxes come as float32 corners; rounding gives back the width that the annotation has."""


@METRICS.register_module()
class DensePoseCocoMetric(BaseMetric):
    """Score dense poses by GPS, GPSm and mask IoU as DensePose-COCO does.

    Reads of ``pred_instances`` (n persons, usually 1, of one crop size): ``dense_labels``
    (n, h, w) 0..24, ``dense_uv`` (n, 2, h, w) in [0, 1], ``input_center`` and
    ``input_scale`` (n, 2), ``bboxes`` (n, 4) x1, y1, x2, y2, ``bbox_scores`` (n,); and
    ``img_id``, ``id`` of the sample. Only the values at the annotated points and the mask's
    run lengths are kept. All images of the annotation count. The annotation is read, checked and
    prepared as soon as it is known, before anything is trained or inferred.

    Reports, with the prefix ``densepose/``: ``GPS/AP``, ``GPS/AP50``, ``GPS/AP75``,
    ``GPS/APM``, ``GPS/APL``, ``GPS/AR``, ``GPS/AR50``, ``GPS/AR75``, ``GPS/ARM``,
    ``GPS/ARL``; the same for ``GPSm`` and ``segm``; ``mean_GPS``, ``foreground_recall``,
    ``surface_accuracy``, ``part_type_accuracy``, ``left_right_accuracy``,
    ``front_back_accuracy``. Shares in [0, 1], -1 where nothing was there to find. AP50 may
    lie below AP75: the protocol's box rule works on all thresholds at once.

    Args:
        ann_file: annotation file with ``dp_*``; by default the test dataset's own.
        template: ``.npz`` of the body's surface, or a ready
            :class:`~ktn_mm.surface.template.SurfaceTemplate`; by default the open body. Scores
            mean something only on the surface that the annotation was made for.
        kinds: which of ``'GPS'``, ``'GPSm'``, ``'segm'`` to report.
        min_threshold: lowest similarity that AP averages over; 0.2 adds AP20, AP30, AP40.
        compat: ``'detectron2'`` for figures to compare with published ones, None for a clean
            protocol; see :mod:`ktn_mm.evaluation.rules`.
        on_bad: what to do about an annotation that cannot be right: 'skip' takes it for a person
            without dense annotation, and says so once; 'error' raises. See
            :class:`~ktn_mm.evaluation.ground_truth.GroundTruth`.
        diagnosis: a folder to write to why the scores are what they are, after every
            evaluation: ``diagnosis.json``, ``.txt`` and ``.png``; see
            :func:`~ktn_mm.evaluation.diagnosis.diagnose`.
        parts: also score the parts as a part segmentation: ``parts/AP``, ``parts/AP50``,
            ``parts/PCP50``, ``parts/mIoU``, ``parts/mAcc``; see
            :func:`~ktn_mm.evaluation.part_figures.part_figures`.
        format_only: write the result file and compute nothing; needs no annotation.
        outfile_prefix: write ``{outfile_prefix}.densepose.json`` in the challenge's format.
        collect_device: see :class:`mmengine.evaluator.BaseMetric`.
        prefix: of the figures' names.
        collect_dir: see :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: if an argument is out of range, the annotation has no ``dp_*``, or, with
            ``on_bad='error'``, at the first bad one.
        FileNotFoundError: if a file does not exist.
    """

    default_prefix = 'densepose'

    def __init__(self,
                 ann_file: str | None = None,
                 template: str | SurfaceTemplate | None = None,
                 kinds: Sequence[str] = KINDS,
                 min_threshold: float = 0.5,
                 compat: Compat = 'detectron2',
                 on_bad: str = 'skip',
                 diagnosis: str | None = None,
                 parts: bool = False,
                 format_only: bool = False,
                 outfile_prefix: str | None = None,
                 collect_device: str = 'cpu',
                 prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if format_only and outfile_prefix is None:
            raise ValueError('format_only=True needs outfile_prefix to write to')
        check_kinds(kinds)
        score_thresholds(min_threshold)
        rules_of(compat)
        self.kinds = tuple(kinds)
        self.min_threshold = min_threshold
        self.compat = compat
        self.on_bad = check_policy(type(self).__name__, on_bad)
        self.diagnosis = diagnosis
        self.parts = parts
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.ground_truth = None
        self.template = None
        if not format_only:
            ready = hasattr(template, 'nearest_vertex')
            self.template = template if ready else SurfaceTemplate.load(template)
            if ann_file is not None:
                self._load(ann_file)

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the dataset; setting it finds the annotation file."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta
        name = (dataset_meta or {}).get('dataset_name')
        if self.ground_truth is None and not self.format_only and name is not None:
            ann_file = MessageHub.get_current_instance().get_info(f'{name}_ann_file', None)
            if ann_file is not None:
                self._load(ann_file)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Reduce the predictions of a batch to numbers; one result a sample."""
        del data_batch
        if self.ground_truth is None and not self.format_only:
            raise ValueError('DensePoseCocoMetric: no annotation; give ann_file, or evaluate a '
                             'dataset in test_mode that has one')
        for sample in data_samples:
            self.results.append(self._reduce(sample))

    def compute_metrics(self, results: list[list[dict]]) -> dict[str, float]:
        """Score all results; samples that padding repeated count once."""
        unique = {entry['key']: entry for entries in results for entry in entries}
        entries = [unique[key] for key in sorted(unique)]
        if self.outfile_prefix is not None:
            path = f'{self.outfile_prefix}.densepose.json'
            write_results((e['record'] for e in entries), path)
            print_log(f'Wrote {len(entries)} dense poses to {path}', 'current')
        if self.format_only:
            return {}
        if self.ground_truth is None:
            raise ValueError('DensePoseCocoMetric: no annotation; give ann_file')
        detections = [e['detection'] for e in entries]
        _warn(detection_oddities(self.ground_truth, detections))
        figures = evaluate(self.ground_truth, detections, self.template, kinds=self.kinds,
                           min_threshold=self.min_threshold)
        print_log('\n' + figures_table(figures, self.kinds), 'current')
        if self.parts:
            found = part_figures(self.ground_truth, detections)
            print_log('\n' + parts_table(found), 'current')
            figures.update(found.to_dict())
        if self.diagnosis is not None:
            diagnosis = diagnose(self.ground_truth, detections, self.template)
            print_log('\n' + diagnosis_table(diagnosis), 'current')
            write_diagnosis(diagnosis, self.diagnosis)
        return figures

    def _load(self, ann_file: str) -> None:
        with get_local_path(ann_file) as path:
            self.ground_truth = GroundTruth.load(path, compat=self.compat, on_bad=self.on_bad)
        _warn(annotation_oddities(self.ground_truth))
        prepare(self.ground_truth, self.template)  # evaluations find it in the cache

    def _reduce(self, sample: Mapping) -> list[dict]:
        image_id, sample_id = sample['img_id'], sample['id']
        prediction = sample['pred_instances']
        missing = [k for k in PREDICTION_KEYS if k not in prediction]
        if missing:
            raise ValueError(f'image {image_id}, sample {sample_id}: pred_instances has no '
                             f'{", ".join(missing)}')
        fields = [_numpy(prediction[k]) for k in PREDICTION_KEYS]
        counts = dict(zip(PREDICTION_KEYS, map(len, fields), strict=True))
        if len(set(counts.values())) > 1:
            raise ValueError(f'image {image_id}, sample {sample_id}: pred_instances holds '
                             f'different numbers of persons: {counts}')
        return [self._reduce_person(image_id, (image_id, sample_id, n), *person)
                for n, person in enumerate(zip(*fields, strict=True))]

    def _reduce_person(self, image_id, key, labels, uv, center, scale, corners, score) -> dict:
        corners = corners.astype(np.float64)
        box = np.concatenate([corners[:2], corners[2:4] - corners[:2]]).round(BOX_DECIMALS)
        if not np.isfinite([*box, score]).all() or (box[2:] < 0).any():
            raise ValueError(f'image {image_id}, sample {key[1]}: bad box {corners.tolist()} or '
                             f'score {score}')
        frame = CropFrame(center, scale, labels.shape[::-1])
        picture = box_picture(labels, uv, frame, box)
        entry = dict(key=key)
        if self.outfile_prefix is not None:
            category = self.ground_truth.category_id if self.ground_truth else 1
            entry['record'] = to_record(picture, box, score, image_id, category)
        if not self.format_only:
            entry['detection'] = self._measure(picture, box, score, key)
        return entry

    def _measure(self, picture: np.ndarray, box: np.ndarray, score: float,
                 key: tuple) -> Detection:
        return measure(picture, box, score, self.ground_truth, key[0], key,
                       filled=self.diagnosis is not None, parts=self.parts)


def _warn(sentences: list[str]) -> None:
    for sentence in sentences:
        print_log(f'DensePoseCocoMetric: {sentence}', 'current', logging.WARNING)


def _numpy(value: Any) -> np.ndarray:
    return np.asarray(value.cpu() if hasattr(value, 'cpu') else value)

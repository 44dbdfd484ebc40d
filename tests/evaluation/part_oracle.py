"""Part segmentation once more, on maps of the whole image and with loops over pixels.

Shares with ktn_mm.evaluation how a person without part masks gets its mask.
"""
import math

import numpy as np
from evaluation_oracle import box_iou
from pycocotools import mask as mask_utils

from ktn_mm.evaluation.masks import person_mask
from ktn_mm.surface.charts import SURFACE_TO_PART


def full_map(parts, box, image, clean):
    """What a box's part map says of every pixel of the image."""
    canvas = np.zeros((image['height'], image['width']), int)
    x, y, w, h = box
    for row in range(canvas.shape[0]):
        for column in range(canvas.shape[1]):
            if clean:
                if not (x <= column + .5 < x + w and y <= row + .5 < y + h):
                    continue
                own = (min(math.floor((row + .5 - y) / h * parts.shape[0]), parts.shape[0] - 1),
                       min(math.floor((column + .5 - x) / w * parts.shape[1]),
                           parts.shape[1] - 1))
            else:
                own = row - int(y), column - int(x)
                if not (0 <= own[0] < parts.shape[0] and 0 <= own[1] < parts.shape[1]
                        and row < int(y + h) and column < int(x + w)):
                    continue
            canvas[row, column] = parts[own]
    return canvas


def annotated_map(person, image, clean):
    """A person's parts in the image; None without a pixel of any."""
    if not isinstance(person.dp_masks, list) or len(person.dp_masks) != 14:
        return None
    parts = np.zeros((256, 256), int)
    for part, rle in enumerate(person.dp_masks, 1):
        if rle:
            parts[mask_utils.decode(rle) > 0] = part
    if not clean:
        w, h = (round(max(s, 1)) for s in person.box[2:])
        parts = np.array([[parts[math.floor((row + .5) * 256 / h),
                                 math.floor((column + .5) * 256 / w)]
                           for column in range(w)] for row in range(h)])
    shown = full_map(parts, person.box, image, clean)
    return shown if shown.any() else None


def ious(truth, predicted):
    """IoU of every class that either map has."""
    return {c: ((truth == c) & (predicted == c)).sum() / ((truth == c) | (predicted == c)).sum()
            for c in range(15) if (truth == c).any() or (predicted == c).any()}


def plain_figures(data, truth, detections):
    """Return AP, AP50, PCP50 and the confusion (15, 15)."""
    confusion, clean = np.zeros((15, 15), int), truth.compat is None
    rows, persons = [], 0
    for image in sorted(data['images'], key=lambda i: i['id']):
        people = truth.persons[image['id']]
        parts = [annotated_map(p, image, clean) for p in people]
        if all(p is None for p in parts):
            continue
        found = sorted((d for d in detections if d['image_id'] == image['id']),
                       key=lambda d: -d['score'])[:20]
        kept = []
        for d in found:
            overlaps = [box_iou(d['box'], p.box, p.crowd) for p in people]
            if max(overlaps) == 0 or parts[overlaps.index(max(overlaps))] is not None:
                labels = SURFACE_TO_PART[d['picture'][0]]
                kept.append((d, full_map(labels, d['box'], image, clean)))
        maps = [m for m in parts if m is not None]
        persons += len(maps)
        annotated = np.zeros((image['height'], image['width']), int)
        for p, m in zip(people, parts):
            if m is None:
                mask = person_mask(p, truth.images[image['id']], truncates=not clean)
                annotated[mask_utils.decode(mask) > 0] = -1
        for m in maps:
            annotated = np.where(m > 0, m, annotated)
        painted = np.zeros_like(annotated)
        for d, m in kept[::-1]:
            if d['score'] >= .3:
                painted = np.where(m > 0, m, painted)
        for a, b in zip(annotated.ravel(), painted.ravel()):
            if a >= 0:
                confusion[a, b] += 1
        taken = {(t, g): False for t in range(1, 10) for g in range(len(maps))}
        for d, m in kept:
            all_ious = [ious(other, m) for other in maps]
            means = [np.mean(list(i.values())) for i in all_ious]
            best = means.index(max(means))
            hits, share = [], None
            for t in range(1, 10):
                hit = means[best] > t / 10 and not taken[t, best]
                taken[t, best] |= hit
                hits.append(hit)
                if hit and t == 5:
                    own = [c for c in range(1, 15) if (maps[best] == c).any()]
                    share = np.mean([all_ious[best][c] > .5 for c in own])
            rows.append((d['score'], hits, share))
    if not persons:
        return dict.fromkeys(('parts/AP', 'parts/AP50', 'parts/PCP50'), -1.), confusion
    rows.sort(key=lambda r: -r[0])
    aps = []
    for t in range(9):
        points, right = [], 0
        for n, row in enumerate(rows, 1):
            right += row[1][t]
            points.append((right, right / n))
        aps.append(sum(max(p for r, p in points if r >= k) for k in range(1, right + 1))
                   / persons)
    shares = [r[2] for r in rows if r[2] is not None]
    return {'parts/AP': np.mean(aps), 'parts/AP50': aps[4],
            'parts/PCP50': sum(shares) / persons}, confusion

"""The whole protocol once more, slowly and plainly: loops over raw annotations and pictures.

Shares nothing with ktn_mm.evaluation but scipy's zoom. A detection is a dict of image_id, box
(x, y, w, h), score and picture (3, h, w); annotations are the dicts of the file. ``clean`` stands
for ``compat=None``.
"""
import math

import numpy as np
from pycocotools import mask as mask_utils
from scipy import ndimage

GROUP = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8]
KAPPA = [0, 0.351, 0.107, 0.126, 0.237, 0.173, 0.142, 0.128, 0.150]
AREAS = {'': (0, 1e10), 'M': (32 ** 2, 96 ** 2), 'L': (96 ** 2, 1e10)}


def vertex(template, surface, u, v):
    """First nearest chart vertex of the same surface; None for background."""
    best, best_distance = None, math.inf
    for m in range(len(template.surface)):
        if template.surface[m] == surface:
            distance = math.hypot(template.uv[m][0] - u, template.uv[m][1] - v)
            if distance < best_distance:
                best, best_distance = int(template.vertex[m]), distance
    return best


def pixel_of(detection, x, y, clean):
    """Column and row of the picture at a place of the image, None outside."""
    dx, dy, dw, dh = detection['box']
    height, width = detection['picture'].shape[1:]
    if not clean:
        column, row = int(x - dx), int(y - dy)
        return (column, row) if 0 <= column < int(dw) and 0 <= row < int(dh) else None
    if not (dx <= x < dx + dw and dy <= y < dy + dh):
        return None
    return (min(math.floor((x - dx) / dw * width), width - 1),
            min(math.floor((y - dy) / dh * height), height - 1))


def valid_points(annotation):
    """How many points lie on a surface; None without dense annotation."""
    if 'dp_x' not in annotation:
        return None
    return sum(i in range(1, 25) for i in annotation['dp_I'])


def gps(annotation, detection, template, clean=False):
    """GPS of one annotation and one detection."""
    if 'dp_x' not in annotation:
        return 0.
    x, y, w, h = annotation['bbox']
    frame = 256. if clean else 255.
    values, seen = [], False
    for px, py, i, u, v in zip(*(annotation[f'dp_{k}'] for k in 'xyIUV'), strict=True):
        pixel = pixel_of(detection, px * w / frame + x, py * h / frame + y, clean)
        seen = seen or pixel is not None
        if i not in range(1, 25):
            continue
        truth = vertex(template, i, u, v)
        read = detection['picture'][:, pixel[1], pixel[0]] if pixel else (0, 0, 0)
        found = vertex(template, read[0], read[1] / 255., read[2] / 255.) if read[0] else None
        if found is None:
            values.append(0.)
        else:
            kappa = KAPPA[GROUP[int(i)]]
            metres = float(template.distance(np.array([truth]), np.array([found]))[0])
            values.append(math.exp(-metres ** 2 / (2 * kappa ** 2)))
    return float(np.mean(values)) if values and seen else 0.


def on_image(mask, box, image):
    """Copy a mask pixel by pixel to the truncated corner of its box."""
    canvas = np.zeros((image['height'], image['width']), bool)
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            y, x = int(box[1]) + row, int(box[0]) + column
            if (mask[row, column] and 0 <= y < min(canvas.shape[0], int(box[1] + box[3]))
                    and 0 <= x < min(canvas.shape[1], int(box[0] + box[2]))):
                canvas[y, x] = True
    return canvas


def under_centres(mask, box, image):
    """What a box's mask has at the centre of every pixel of the image."""
    canvas = np.zeros((image['height'], image['width']), bool)
    x, y, w, h = box
    for row in range(canvas.shape[0]):
        for column in range(canvas.shape[1]):
            if x <= column + .5 < x + w and y <= row + .5 < y + h:
                canvas[row, column] = mask[
                    min(math.floor((row + .5 - y) / h * mask.shape[0]), mask.shape[0] - 1),
                    min(math.floor((column + .5 - x) / w * mask.shape[1]), mask.shape[1] - 1)]
    return canvas


def annotation_mask(annotation, image, clean=False):
    """Mask of an annotation in its image."""
    if 'dp_masks' in annotation:
        union = np.zeros((256, 256))
        for rle in annotation['dp_masks']:
            if rle:
                union = np.maximum(union, mask_utils.decode(rle))
        if clean:
            return under_centres(union > 0, annotation['bbox'], image)
        w, h = (max(s, 1) for s in annotation['bbox'][2:])
        scaled = ndimage.zoom(union, (h / 256, w / 256), order=1, prefilter=False) > 0.5
        return on_image(scaled, annotation['bbox'], image)
    if annotation.get('segmentation'):
        size = image['height'], image['width']
        rles = mask_utils.frPyObjects(annotation['segmentation'], *size)
        return mask_utils.decode(mask_utils.merge(rles)) > 0
    return np.zeros((image['height'], image['width']), bool)


def mask_iou(a, b, crowd):
    """IoU of two boolean masks; a is the detection."""
    both = (a & b).sum()
    return float(both / (a.sum() if crowd else (a | b).sum())) if both else 0.


def box_iou(a, b, crowd):
    """IoU of two boxes x, y, w, h; a is the detection."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.
    return w * h / (a[2] * a[3] if crowd else a[2] * a[3] + b[2] * b[3] - w * h)


def match_image(values, boxes, persons, detections, area_range, thresholds, clean=False):
    """Return per threshold the (score, matched, ignored) of each detection, and npig."""
    low, high = area_range
    unknown = [not valid_points(p) if clean else 'dp_x' not in p for p in persons]
    person_ignored = [unknown[g] or not low <= p['area'] <= high or bool(clean and p['iscrowd'])
                      for g, p in enumerate(persons)]
    order = [g for g in range(len(persons)) if not person_ignored[g]]
    order += [g for g in range(len(persons)) if person_ignored[g]]
    match = [[0] * len(detections) for _ in thresholds]
    ignored = [[all(person_ignored) and not clean] * len(detections) for _ in thresholds]
    used = [set() for _ in thresholds]
    for t, threshold in enumerate(thresholds):
        for d in range(len(detections)):
            best, chosen = min(threshold, 1 - 1e-10), None
            for g in order:
                if g in used[t] and not persons[g].get('iscrowd'):
                    continue
                if chosen is not None and not person_ignored[chosen] and person_ignored[g]:
                    break
                if values[d][g] < best or values[d][g] == 0:
                    continue
                best, chosen = values[d][g], g
            if chosen is not None:
                match[t][d] = persons[chosen]['id'] + clean
                ignored[t][d] = person_ignored[chosen]
                used[t].add(chosen)
    for d in range(len(detections)):
        if clean:
            for t in range(len(thresholds)):
                if match[t][d] == 0 and any(
                        boxes[d][g] >= .5 and unknown[g] for g in range(len(persons))):
                    ignored[t][d] = True
        elif match[-1][d] == 0:
            best, chosen = 0.8, None
            for g in order:
                if g in used[-1] and not persons[g].get('iscrowd'):
                    continue
                if boxes[d][g] >= best:
                    best, chosen = boxes[d][g], g
            if chosen is not None:
                for t in range(len(thresholds)):
                    ignored[t][d] = person_ignored[chosen]
                if person_ignored[chosen]:
                    match[-1][d] = persons[chosen]['id']
                    used[-1].add(chosen)
    for t in range(len(thresholds)):
        for d, detection in enumerate(detections):
            area = (detection['mask'].sum() if clean
                    else detection['box'][2] * detection['box'][3])
            if match[t][d] == 0 and not low <= area <= high:
                ignored[t][d] = True
    rows = [[(d['score'], match[t][n] != 0, ignored[t][n]) for n, d in enumerate(detections)]
            for t in range(len(thresholds))]
    return rows, person_ignored.count(False)


def curve(rows, wanted):
    """Return 101 precisions and the recall of one threshold; None where nothing was wanted."""
    if wanted == 0:
        return None
    rows = sorted(rows, key=lambda r: -r[0])
    points, right, wrong = [], 0, 0
    for _, matched, ignored in rows:
        right += matched and not ignored
        wrong += not matched and not ignored
        points.append((right / wanted, right / (right + wrong + np.spacing(1))))
    precisions = []
    for level in np.linspace(0, 1, 101):
        reached = [p for r, p in points if r >= level]
        precisions.append(max(reached) if reached else 0.)
    return precisions, points[-1][0] if points else 0.


def evaluate(data, detections, template, thresholds, clean=False):
    """Return all figures of GPS, GPSm and segm."""
    put = under_centres if clean else on_image
    images = {i['id']: i for i in data['images']}
    detections = [d | dict(mask=put(d['picture'][0] > 0, d['box'], images[d['image_id']]))
                  for d in detections]
    last = {a['id']: a for a in data['annotations']}
    images = sorted(data['images'], key=lambda i: i['id'])
    persons = {i['id']: [] for i in images}
    for image in images:
        for annotation in data['annotations']:
            if annotation['image_id'] == image['id']:
                if not clean:
                    annotation = last[annotation['id']]
                persons[annotation['image_id']].append(annotation)
    tables = []
    for image in images:
        people = persons[image['id']]
        found = [d for d in detections if d['image_id'] == image['id']]
        found = sorted(found, key=lambda d: -d['score'])[:20]
        masks = [annotation_mask(p, image, clean) for p in people]
        table = {k: [[0.] * len(people) for _ in found] for k in ('GPS', 'GPSm', 'segm', 'box')}
        for d, detection in enumerate(found):
            for g, person in enumerate(people):
                crowd = person.get('iscrowd', 0)
                table['GPS'][d][g] = gps(person, detection, template, clean)
                table['segm'][d][g] = mask_iou(detection['mask'], masks[g], crowd)
                table['GPSm'][d][g] = math.sqrt(table['GPS'][d][g] * table['segm'][d][g])
                table['box'][d][g] = box_iou(detection['box'], person['bbox'], crowd)
        tables.append((table, people, found))

    figures = {}
    for kind in ('GPS', 'GPSm', 'segm'):
        for suffix, area_range in AREAS.items():
            rows, wanted = [[] for _ in thresholds], 0
            for table, people, found in tables:
                image_rows, image_wanted = match_image(
                    table[kind], table['box'], people, found, area_range, thresholds, clean)
                wanted += image_wanted
                for t, more in enumerate(image_rows):
                    rows[t].extend(more)
            curves = [curve(r, wanted) for r in rows]
            known = [c for c in curves if c is not None]
            figures[f'{kind}/AP{suffix}'] = np.mean([c[0] for c in known]) if known else -1.
            figures[f'{kind}/AR{suffix}'] = np.mean([c[1] for c in known]) if known else -1.
            for threshold, c in zip(thresholds, curves, strict=True):
                percent = round(100 * threshold)
                if not suffix and percent in (20, 30, 40, 50, 75):
                    figures[f'{kind}/AP{percent}'] = np.mean(c[0]) if c else -1.
                    if percent >= 50:
                        figures[f'{kind}/AR{percent}'] = c[1] if c else -1.
    return figures

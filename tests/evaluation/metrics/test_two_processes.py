"""The metric in two real processes, joined by gloo, as on two GPUs."""
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
from evaluation_cases import FlatBody, block_data, block_picture
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from ktn_mm.evaluation.metrics import DensePoseCocoMetric
from ktn_mm.structures.crop_frame import CropFrame, image_to_box

HERE = Path(__file__).resolve()
RANK = """
import json
import pickle
import sys
from pathlib import Path

import torch.distributed
from mmengine.dataset import DefaultSampler

import ktn_mm
from evaluation_cases import FlatBody
from ktn_mm.evaluation.metrics import DensePoseCocoMetric

folder, rank = Path(sys.argv[1]), int(sys.argv[2])
torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank,
                                     world_size=2)
samples = pickle.loads((folder / 'samples.pkl').read_bytes())
for device in ('cpu', 'gpu'):  # collects through files, or through the process group
    metric = DensePoseCocoMetric(str(folder / 'people.json'), FlatBody(), parts=True,
                                 outfile_prefix=str(folder / device), collect_device=device)
    for index in DefaultSampler(samples, shuffle=False):
        metric.process({}, [samples[index]])
    kept = len(metric.results)
    figures = metric.evaluate(len(samples))
    (folder / f'{device}{rank}.json').write_text(json.dumps([kept, figures]))
torch.distributed.destroy_process_group()
"""


def sample(annotation: dict, number: int) -> dict:
    """Return what a network gives that knows the surfaces, and U and V worse and worse."""
    box = np.array(annotation['bbox'])
    width = max(box[2], box[3] * .75) * 1.25
    frame = CropFrame(box[:2] + (box[2:] - 1) / 2, (width, width / .75), (96, 128))
    cells = image_to_box(frame.to_image(frame.grid_points(frame.size)), box, 1.)
    fine = block_picture((512, 512))
    x, y = np.clip((cells * 512).astype(int), 0, 511).transpose(2, 0, 1)
    picture = np.where(((cells >= 0) & (cells < 1)).all(-1), fine[:, y, x], 0)
    instances = InstanceData(
        dense_labels=picture[:1].astype(np.uint8),
        dense_uv=picture[None, 1:] / 255. / (1 + number),
        input_center=np.array([frame.center]), input_scale=np.array([frame.scale]),
        bboxes=np.float32([[*box[:2], *(box[:2] + box[2:])]]),
        bbox_scores=np.float32([1 / (1 + number % 3)]))
    return PoseDataSample(pred_instances=instances, metainfo=dict(
        img_id=annotation['image_id'], id=annotation['id'])).to_dict()


def test_two_processes_score_bit_for_bit_as_one(tmp_path):
    """Seven people on two ranks: the shorter one repeats a person, which counts once."""
    data = block_data(count=7)
    (tmp_path / 'people.json').write_text(json.dumps(data))
    samples = [sample(a, n) for n, a in enumerate(data['annotations'])]
    (tmp_path / 'samples.pkl').write_bytes(pickle.dumps(samples))
    one = DensePoseCocoMetric(str(tmp_path / 'people.json'), FlatBody(), parts=True,
                              outfile_prefix=str(tmp_path / 'one'))
    one.process({}, samples)
    expected = one.evaluate(len(samples))
    assert .05 < expected['densepose/GPS/AP'] < .95

    environ = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=os.pathsep.join(
        [str(HERE.parents[3]), str(HERE.parents[1])]))
    ranks = [subprocess.Popen([sys.executable, '-W', 'ignore', '-c', RANK, str(tmp_path),
                               str(rank)], env=environ, cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
             for rank in range(2)]
    try:
        for process in ranks:
            said, _ = process.communicate(timeout=200)
            assert process.returncode == 0, said[-2000:]
    finally:
        for process in ranks:
            process.kill()
    written = (tmp_path / 'one.densepose.json').read_bytes()
    for device in ('cpu', 'gpu'):
        for rank in range(2):
            kept, figures = json.loads((tmp_path / f'{device}{rank}.json').read_text())
            assert kept == 4, 'each rank sees half of the people, one of them twice'
            assert figures == expected
        assert (tmp_path / f'{device}.densepose.json').read_bytes() == written

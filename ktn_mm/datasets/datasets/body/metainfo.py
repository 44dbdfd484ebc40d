"""What mmpose wants to know about DensePose-COCO: COCO's 17 keypoints and how to draw them."""
from ktn_mm.surface.charts import KEYPOINT_TWIN, KEYPOINTS

_COLORS = dict(left=[0, 200, 83], right=[255, 140, 0], middle=[64, 144, 255])
_LINKS = (
    ('left_ankle', 'left_knee'), ('left_knee', 'left_hip'), ('right_ankle', 'right_knee'),
    ('right_knee', 'right_hip'), ('left_hip', 'right_hip'), ('left_shoulder', 'left_hip'),
    ('right_shoulder', 'right_hip'), ('left_shoulder', 'right_shoulder'),
    ('left_shoulder', 'left_elbow'), ('right_shoulder', 'right_elbow'),
    ('left_elbow', 'left_wrist'), ('right_elbow', 'right_wrist'), ('left_eye', 'right_eye'),
    ('nose', 'left_eye'), ('nose', 'right_eye'), ('left_eye', 'left_ear'),
    ('right_eye', 'right_ear'), ('left_ear', 'left_shoulder'), ('right_ear', 'right_shoulder'))
_SIGMAS = dict(nose=.026, eye=.025, ear=.035, shoulder=.079, elbow=.072, wrist=.062, hip=.107,
               knee=.087, ankle=.089)
_WEIGHTS = dict(elbow=1.2, wrist=1.5, knee=1.2, ankle=1.5)


def _color(*names: str) -> list[int]:
    sides = {name.split('_')[0] for name in names}
    return _COLORS[sides.pop() if len(sides) == 1 and sides <= {'left', 'right'} else 'middle']


def _keypoint(index: int) -> dict:
    name, twin = KEYPOINTS[index], KEYPOINTS[KEYPOINT_TWIN[index]]
    lower = name.split('_')[-1] in ('hip', 'knee', 'ankle')
    return dict(name=name, id=index, color=_color(name), type='lower' if lower else 'upper',
                swap='' if twin == name else twin)


COCO_DENSEPOSE = dict(
    dataset_name='coco_densepose',
    paper_info=dict(
        author='Gueler, Riza Alp and Neverova, Natalia and Kokkinos, Iasonas',
        title='DensePose: Dense Human Pose Estimation In The Wild',
        container='IEEE Conference on Computer Vision and Pattern Recognition',
        year='2018', homepage='http://densepose.org/'),
    keypoint_info={i: _keypoint(i) for i in range(len(KEYPOINTS))},
    skeleton_info={i: dict(link=link, id=i, color=_color(*link))
                   for i, link in enumerate(_LINKS)},
    joint_weights=[_WEIGHTS.get(name.split('_')[-1], 1.) for name in KEYPOINTS],
    sigmas=[_SIGMAS[name.split('_')[-1]] for name in KEYPOINTS])
"""Meta information in mmpose's own form.

Source: keypoints, links and sigmas (of OKS) as COCO defines them; weights as in SimpleBaseline.
"""

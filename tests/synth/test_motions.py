"""Recorded poses: one split for each clip, limits, people on the ground."""
import numpy as np
import pytest

from ktn_mm.synth import motions
from ktn_mm.synth.motions import CLIPS, MOTION_LIMITS, draw_motion, load_motions
from ktn_mm.synth.poses import PARAMETERS

SPLITS = ('train', 'val', 'test')


def test_every_clip_is_in_one_split():
    seen = {split: {pose.name.rsplit(' ', 1)[0] for pose in load_motions(split)[0]}
            for split in SPLITS}
    assert {clip: split for split, clips in seen.items() for clip in clips} == {
        clip: split for clip, (split, _) in CLIPS.items()}
    for split in SPLITS:
        poses, chances = load_motions(split)
        assert len(poses) > 60 and chances.sum() == pytest.approx(1)
        for clip in seen[split]:
            own = [c for pose, c in zip(poses, chances, strict=True)
                   if pose.name.rsplit(' ', 1)[0] == clip]
            total = sum(weight for owner, weight in CLIPS.values() if owner == split)
            assert sum(own) == pytest.approx(CLIPS[clip][1] / total)


def test_clips_show_what_they_are_called():
    """Pelvis upright in walking, level in crawling; knees bend in running; arms box ahead."""
    angles = {clip: np.array([pose.angles for split in SPLITS for pose in load_motions(split)[0]
                              if pose.name.startswith(f'{clip} ')]) for clip in CLIPS}

    def column(clip, name):
        return angles[clip][:, PARAMETERS.index(name)]

    assert np.abs(column('walk', 'pelvis.pitch')).max() < 20
    assert np.median(column('crawl', 'pelvis.pitch')) > 50
    assert column('run', 'left_leg.knee').max() > 70
    assert column('punch', 'left_arm.lift').max() > 60
    assert np.ptp(column('walk', 'right_leg.flex')) > 30


def test_drawn_motions_keep_their_limits():
    rng = np.random.default_rng(0)
    drawn = [draw_motion(rng, 'train') for _ in range(200)]
    for base, angles in drawn:
        assert base.split == 'train'
        assert (angles >= MOTION_LIMITS[:, 0]).all() and (angles <= MOTION_LIMITS[:, 1]).all()
    assert len({base.name for base, _ in drawn}) > 60
    assert {base.support for base, _ in drawn} == {'feet', 'air'}


def test_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(motions, 'MOTIONS', tmp_path / 'none.npz')
    load_motions.cache_clear()
    try:
        with pytest.raises(FileNotFoundError, match='none.npz'):
            load_motions('val')
    finally:
        load_motions.cache_clear()

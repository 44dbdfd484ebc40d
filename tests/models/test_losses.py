"""The rivals of KTM for rare surfaces, and reading a grid at points."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ktn_mm.models.losses import SurfaceCrossEntropy, SurfaceTriplet, inside_crop, read_at_points
from ktn_mm.structures import cell_centers


def points(count=60, classes=5):
    return torch.randn(count, 25), torch.randint(0, classes, (count, ))


def test_batch_reweighting_gives_every_surface_the_same_say():
    logits, surfaces = points()
    each = F.cross_entropy(logits, surfaces, reduction='none')
    expected = torch.stack([each[surfaces == s].mean() for s in range(1, 5)]).mean()
    torch.testing.assert_close(SurfaceCrossEntropy(reweight='batch')(logits, surfaces), expected)


def test_fixed_reweighting():
    logits, surfaces = points()
    weights = torch.rand(24)
    expected = F.cross_entropy(logits[surfaces > 0], surfaces[surfaces > 0],
                               weight=torch.cat([torch.zeros(1), weights]))
    loss = SurfaceCrossEntropy(2., reweight=weights.tolist())
    torch.testing.assert_close(loss(logits, surfaces), 2 * expected)


def test_resampling_has_the_expectation_of_reweighting():
    # a rare surface that is hard, a frequent one that is easy, and padding that must not count
    surfaces = torch.tensor([1] * 54 + [2] * 6 + [0] * 40)
    logits = torch.zeros(100, 25)
    logits[:54, 1], logits[54:60, 1], logits[60:, 3] = 4, 4, 9
    plain = SurfaceCrossEntropy()(logits, surfaces).item()
    balanced = SurfaceCrossEntropy(reweight='batch')(logits, surfaces).item()
    assert balanced - plain > 1
    loss = SurfaceCrossEntropy(resample=True)
    drawn = np.array([loss(logits, surfaces).item() for _ in range(400)])
    assert abs(drawn.mean() - balanced) < 4 * drawn.std() / 20 < 0.1


def test_resampling_draws_surfaces_equally():
    surfaces = torch.tensor([7] * 900 + [8] * 90 + [9] * 10 + [0] * 200)
    logits = torch.zeros(1200, 25, requires_grad=True)
    SurfaceCrossEntropy(resample=True)(logits, surfaces).backward()
    # of a point that was drawn k times the true logit's gradient is -k (1 - 1/25) / 1200
    times = -logits.grad[torch.arange(1200), surfaces] * 1200 / (1 - 1 / 25)
    assert torch.all(logits.grad[surfaces == 0] == 0)
    drawn = torch.stack([times[surfaces == s].sum() for s in (7, 8, 9)])
    torch.testing.assert_close(drawn.sum(), torch.tensor(1200.), rtol=1e-4, atol=0)
    assert (drawn - 400).abs().max() < 5 * (1200 * 2 / 9) ** 0.5  # of a trinomial


@pytest.mark.parametrize('options', [dict(), dict(reweight='batch'), dict(resample=True)], ids=str)
def test_no_point_costs_exactly_nothing(options):
    logits = torch.randn(4, 25, requires_grad=True)
    loss = SurfaceCrossEntropy(**options)(logits, torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0 and torch.all(logits.grad == 0)


@pytest.mark.parametrize('reweight', ['often', 3, [1.] * 23, [-1.] * 24, [float('nan')] * 24,
                                      [float('inf')] * 24])
def test_wrong_reweighting(reweight):
    with pytest.raises(ValueError, match='reweight'):
        SurfaceCrossEntropy(reweight=reweight)


def test_triplet_by_loop():
    features = torch.randn(30, 4, dtype=torch.float64, requires_grad=True)
    surfaces = torch.randint(0, 6, (30, ))
    unit = (features / features.norm(dim=1, keepdim=True)).detach()
    terms = []
    for i in range(30):
        if surfaces[i] == 0:
            continue
        same = [(unit[i] - unit[j]).norm() for j in range(30)
                if j != i and surfaces[j] == surfaces[i]]
        other = [(unit[i] - unit[j]).norm() for j in range(30)
                 if surfaces[j] not in (0, surfaces[i])]
        if same and other:
            terms.append(max(0., float(max(same) - min(other)) + 0.3))
    loss = SurfaceTriplet(margin=0.3)(features, surfaces)
    assert loss.item() == pytest.approx(np.mean(terms))
    loss.backward()
    assert torch.isfinite(features.grad).all() and features.grad.abs().sum() > 0


def test_triplet_thins_points_at_random():
    surfaces, compared = torch.arange(50) % 4, set()
    for _ in range(3):
        features = torch.randn(50, 4, requires_grad=True)
        SurfaceTriplet(margin=2., max_points=10)(features, surfaces).backward()
        rows = features.grad.any(1).nonzero().flatten().tolist()
        assert 2 < len(rows) <= 10 and surfaces[rows].all()
        compared.update(rows)
    assert len(compared) > 10


@pytest.mark.parametrize('surfaces', [[0, 0, 0], [0, 3, 0], [3, 3, 3], [1, 2, 3]])
def test_triplet_without_triplets(surfaces):
    features = torch.randn(3, 4, requires_grad=True)
    loss = SurfaceTriplet()(features, torch.tensor(surfaces))
    loss.backward()
    assert loss.item() == 0 and torch.all(features.grad == 0)


def test_reading_at_cell_centres_returns_the_cells():
    maps = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    where = torch.from_numpy(cell_centers((12, 16), (6, 8))).reshape(1, -1, 2).expand(2, -1, -1)
    read = read_at_points(maps, where, (12, 16))
    torch.testing.assert_close(read, maps.flatten(2).transpose(1, 2))


def test_the_crops_rim_reads_the_outermost_cells():
    maps = torch.randn(1, 3, 8, 6)
    corners = torch.tensor([[[-.5, -.5], [11.5, -.5], [-.5, 15.5], [11.5, 15.5]]])
    read = read_at_points(maps, corners, (12, 16))
    torch.testing.assert_close(read[0], maps[0, :, [0, 0, -1, -1], [0, -1, 0, -1]].T)


def test_points_on_the_rim_are_inside():
    where = torch.tensor([[-0.5, 0.], [11.5, 15.5], [11.6, 3.], [3., -0.6]])
    assert inside_crop(where, (12, 16)).tolist() == [True, True, False, False]

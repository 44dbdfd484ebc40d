"""Tables of the open benchmark, from made-up runs whose figures were worked out by hand."""
import copy
import importlib
import json
import math
import re
import sys
from pathlib import Path

import pytest

from ktn_mm.models.heads import KnowledgeTransferMachine
from ktn_mm.surface.charts import SURFACES

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / 'tools' / 'benchmarks'
NAMES = [surface.name for surface in SURFACES]
POINTS = [100 * (24 - k) for k in range(24)]  # the last twelve surfaces are the rare ones


@pytest.fixture(scope='module')
def bench():
    """The modules of tools/benchmarks, which are no part of the package."""
    sys.path.insert(0, str(TOOLS))
    try:
        names = ('answer', 'claims', 'data', 'kinds', 'pages', 'plots', 'results', 'rows', 'run',
                 'statistics', 'tables', 'trials')
        yield dict({name: importlib.import_module(f'open_body_runs.{name}') for name in names},
                   tool=importlib.import_module('open_body_table'))
    finally:
        sys.path.remove(str(TOOLS))


@pytest.fixture
def write_run(tmp_path, bench):
    """Return a function that writes the result of a run that never was."""
    def write(row, seed, ap, *, rare=.2, frequent=.6, **changes):
        config = bench['rows'].row_of(row).config
        content = dict(
            row=row, seed=seed, config=str(config), data_sha256='d1', options=[],
            config_sha256=bench['run'].config_hash(config), epochs=10,
            data=dict(points_per_surface=POINTS),
            figures={'GPS/AP': ap, 'GPS/AP50': 2 * ap, 'GPS/APM': -1., 'parts/mIoU': .5,
                     'surface_accuracy': .4, 'foreground_recall': .8},
            surfaces=[dict(name=name, points=9, surface_accuracy=frequent if k < 12 else rare)
                      for k, name in enumerate(NAMES)],
            curve=[{'epoch': 5, 'GPS/AP': ap / 2}, {'epoch': 10, 'GPS/AP': ap}], minutes=30.,
            cpu_minutes=29., attempts=1, machine=dict(processor='abacus', cores=2), versions={})
        folder = tmp_path / 'out' / 'runs'
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f'{row}-seed{seed}.json'
        path.write_text(json.dumps({**content, **changes}))
        return path
    return write


@pytest.fixture
def read(tmp_path, bench):
    return lambda: bench['results'].read_results(tmp_path / 'out' / 'runs', range(3))


@pytest.fixture
def run_tool(tmp_path, bench):
    return lambda: bench['tool'].main(['--out', str(tmp_path / 'out'),
                                       '--readme', str(tmp_path / 'README.md')])


def rows_of(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table, header first."""
    lines = [line for line in table.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')]
            for line in lines if '---' not in line]


def test_mean_deviation_and_pairs_by_hand(bench):
    statistics = bench['statistics']
    # 2, 4, 9: mean 5, deviations -3, -1, 4, squares 26, over two 13.
    assert statistics.spread([2, 4, 9]) == (5, math.sqrt(13), 3, 3, 0)
    one, none = statistics.spread([7.]), statistics.spread([math.nan])
    assert one.mean == 7 and math.isnan(one.std) and one.n == 1
    assert math.isnan(none.mean) and none.n == 0
    # Seeds 0, 2: 3 - 1 = 2 and 4 - 6 = -2; seed 1 has no partner on one side, 3 on the other.
    found = statistics.changes({0: 1., 1: 5., 2: 6.}, {0: 3., 2: 4., 3: 8.})
    assert found == {0: 2, 2: -2}
    assert statistics.spread(found.values()) == (0, math.sqrt(8), 2, 1, 1)


def test_halves_are_split_by_points(bench):
    halves = bench['statistics'].halves
    assert halves([5, 1, 3, 2]) == ([1, 3], [2, 0])
    assert halves([1, 1, 1, 1]) == ([0, 1], [2, 3])


def test_recall_of_rare_and_frequent_surfaces(bench, write_run, read):
    path = write_run('mid', 0, .3, rare=.25, frequent=.5)
    content = json.loads(path.read_text())
    content['surfaces'][23]['surface_accuracy'] = None  # nobody to find it on
    content['surfaces'][12]['surface_accuracy'] = .36  # (10 x 0.25 + 0.36) / 11 = 0.26
    path.write_text(json.dumps(content))
    result = read().runs['mid'][0]
    assert bench['results'].figure_of(result, 'rare') == pytest.approx(.26)
    assert bench['results'].figure_of(result, 'frequent') == pytest.approx(.5)
    assert math.isnan(bench['results'].figure_of(result, 'GPS/APM'))


def test_recall_is_compared_over_the_seeds_that_both_rows_have(bench, write_run, read):
    write_run('mid', 0, .3, rare=.1)
    write_run('ktn', 1, .3, rare=.3)
    assert read().shared_seeds('mid', 'ktn') == []
    write_run('mid', 1, .3, rare=.2)
    header, *rows = rows_of(bench['tables'].surface_table(read(), [('mid', 'ktn')]))
    assert header[3:] == ['MID (seed 1)', 'MID + KTM (seed 1)']
    rare = [row for row in rows if row[0] == NAMES[12]]
    # that of seed 1, not the mean 15.0 of both
    assert rare[0][3:] == ['20.0', '30.0']


def test_tables_hold_the_hand_computed_figures(bench, write_run, read):
    for seed, without, with_ktm in ((0, .30, .33), (1, .32, .33), (2, .34, .39)):
        write_run('mid-interp', seed, without, rare=.2)
        write_run('ktn-interp', seed, with_ktm, rare=.2 + .01 * seed)
    results = read()
    header, first, second = rows_of(bench['tables'].group_table(results, 'main'))
    ap = header.index('GPS AP')
    # 30, 32, 34: 32 with deviation 2; 33, 33, 39: 35 with deviation sqrt(24 / 2).
    assert first[:2] == ['MID + Aug', '3'] and first[ap] == '32.0 ± 2.0'
    assert second[0] == 'MID + Aug + KTM' and second[ap] == '35.0 ± 3.5'
    assert second[header.index('APM')] == '-' and second[header.index('rare')] == '21.0 ± 1.0'

    rows = bench['tables'].comparable(results)
    assert [row.name for row in rows] == ['ktn-interp']
    header, line = rows_of(bench['tables'].difference_table(results, rows))
    # 3, 1, 5: mean 3 with deviation 2, where unpaired deviations are 2 and 3.5.
    assert line[:4] == ['KTM', 'MID + Aug', '3', '3 of 3']
    assert line[header.index('GPS AP')] == '+3.0 ± 2.0'
    assert line[header.index('AP50')] == '+6.0 ± 4.0'
    # Rare surfaces gain 0, 1, 2 points, frequent ones none.
    assert line[header.index('frequent')] == '+0.0 ± 0.0'
    assert line[header.index('rare − frequent')] == '+1.0 ± 1.0'


def test_differences_that_chance_seldom_gives_are_bold(bench, write_run, read):
    for seed in range(3):
        write_run('baseline', seed, .30, rare=.2)
        # AP +2, +3, +4, p 0.04; rare +1, +2, +3, p 0.07
        write_run('mid', seed, .30 + .01 * (2 + seed), rare=.2 + .01 * (1 + seed))
    results = read()
    header, line = rows_of(bench['tables'].difference_table(
        results, bench['tables'].comparable(results)))
    assert line[header.index('GPS AP')] == '**+3.0 ± 1.0**'
    assert line[header.index('rare')] == '+2.0 ± 1.0'


def test_a_difference_that_shows_as_zero_is_not_bold(bench, write_run, read):
    for seed in range(3):
        write_run('baseline', seed, .3)
        write_run('mid', seed, .3003 + .0001 * seed)  # p 0.02
    results = read()
    header, line = rows_of(bench['tables'].difference_table(
        results, bench['tables'].comparable(results)))
    assert line[header.index('GPS AP')] == '+0.0 ± 0.0'


def test_kinds_of_surfaces(bench):
    kinds, kind_of = bench['kinds'].KINDS, bench['kinds'].kind_of
    found = {surface.name: kind_of(surface) for surface in SURFACES}
    assert [list(found.values()).count(kind) for kind in kinds] == [8, 4, 4, 2, 6]
    assert found['left lower leg back'] == found['right upper arm back'] == kinds[0]
    assert found['torso back'] == kinds[3] and found['left foot'] == kinds[4]


def test_the_gain_of_a_kind_is_the_mean_of_its_surfaces(bench, write_run, read):
    backs = [k for k, name in enumerate(NAMES) if 'back' in name and 'torso' not in name]
    for seed in range(2):
        write_run('mid', seed, .3, rare=.2, frequent=.2)
        path = write_run('ktn', seed, .3, rare=.2, frequent=.2)
        content = json.loads(path.read_text())
        for k in backs[:4]:  # four of eight gain 8 or 16 points
            content['surfaces'][k]['surface_accuracy'] = .28 + .08 * seed
        path.write_text(json.dumps(content))
    header, *lines = rows_of(bench['tables'].kind_table(read(), [('mid', 'ktn')]))
    assert header == ['', 'rare', 'MID']
    rare = sum(k >= 12 for k in backs)
    assert lines[0] == [bench['kinds'].KINDS[0], f'{rare} of 8', '+6.0 ± 2.8']
    assert all(line[2] == '+0.0 ± 0.0' for line in lines[1:])


def test_chance_is_what_the_t_distribution_says(bench):
    statistics = bench['statistics']

    def chance(*values):
        return statistics.chance(statistics.spread(values))

    # two degrees of freedom: p = 1 - t / sqrt(t^2 + 2); 1, 2, 3 has t^2 = 12, 2, 3, 4 has 27
    assert chance(1, 2, 3) == pytest.approx(1 - math.sqrt(12 / 14))
    assert chance(2, 3, 4) == chance(-2, -3, -4) == pytest.approx(1 - math.sqrt(27 / 29))
    # one: p = 1 - 2 / pi arctan t; 11, 13 has t = 12
    assert chance(11, 13) == pytest.approx(1 - 2 / math.pi * math.atan(12))
    assert chance(-1, 1) == 1 and chance(3, 3) == 0
    assert all(math.isnan(chance(*values)) for values in ((), (5,), (0, 0)))


def test_holm_multiplies_the_smallest_by_the_number_of_tests(bench):
    holm = bench['statistics'].holm
    # 0.01 x 3, 0.02 x 2, 0.03 x 1 which may not be below 0.04
    assert holm([.03, .01, .02]) == pytest.approx([.04, .03, .04])
    # a test that is still to be made counts: 0.2 x 3, 0.6 x 2
    found = holm([math.nan, .6, .2])
    assert math.isnan(found[0]) and found[1:] == pytest.approx([1, .6])


def test_how_far_the_first_mean_to_hold_must_be(bench):
    statistics = bench['statistics']
    # two degrees of freedom: p = 1 - t / sqrt(t^2 + 2), so that t^2 = 2 q^2 / (1 - q^2), q = 1 - p
    q = 1 - .05 / 17
    far = statistics.deviations_to_hold(17, 3)
    assert far == pytest.approx(math.sqrt(2 * q ** 2 / (1 - q ** 2) / 3))
    for mean, holds in ((far + .01, True), (far - .01, False)):
        chances = [statistics.chance(statistics.Spread(mean, 1, 3, 3, 0)), *[math.nan] * 16]
        assert (statistics.holm(chances)[0] < .05) == holds


def test_the_interval_ends_at_zero_where_p_is_the_level(bench):
    statistics = bench['statistics']
    # 1, 2, 3: half of it is t / sqrt(3) with t = 4.303 at two degrees of freedom
    assert statistics.interval(statistics.spread([1, 2, 3])) == pytest.approx(
        (2 - 2.4842, 2 + 2.4842), abs=1e-4)
    low, _ = statistics.interval(statistics.Spread(2.4841377, 1, 3, 3, 0))
    assert abs(low) < 1e-6
    assert statistics.chance(statistics.Spread(2.4841377, 1, 3, 3, 0)) == pytest.approx(.05)
    assert all(map(math.isnan, statistics.interval(statistics.spread([5]))))


@pytest.mark.parametrize(('mean', 'p', 'said'), [
    (12, '< 0.005', '**holds**'), (3, '0.04', 'seen'), (2.5, '0.049', 'seen'),
    (2.485, '0.04997', 'seen'), (2.42, '0.052', 'not seen')])
def test_a_p_value_shows_on_which_side_of_the_level_it_is(bench, write_run, read, mean, p, said):
    for seed in range(3):
        write_run('baseline', seed, .30)
        write_run('mid', seed, .30 + .01 * (mean + seed - 1))
    _, line, *_ = rows_of(bench['claims'].claim_table(read()))
    assert (line[-4], line[-2]) == (p, said)
    if mean == 12:  # t^2 = 432, p = 1 - sqrt(432 / 434) = 0.00231, times 19 claims
        assert len(bench['claims'].CLAIMS) == 19 and line[-3] == '0.04'


def test_claims_are_judged_by_their_pairs(bench, write_run, read):
    for seed in range(3):
        write_run('baseline', seed, .30)
        write_run('mid', seed, .30 + .01 * (2 + seed))  # +2, +3, +4
        write_run('mid-interp', seed, .30 + .01 * seed)  # -2, -2, -2
        write_run('ktn-interp', seed, .30 + .01 * (2 * seed + 1))  # +1, +2, +3
    write_run('mid-points10', 0, .1)
    write_run('ktn-points10', 0, .2)
    write_run('mid-interp-points10', 1, .20)
    write_run('ktn-interp-points10', 1, .25)  # +5 where all points give +2
    header, *lines = rows_of(bench['claims'].claim_table(read()))
    assert header == ['claim', 'on', 'paper', 'pairs', 'here', '95 %', 'p', 'p of all', '',
                      'validation']
    found = {(line[0], line[1]): line[2:] for line in lines}
    assert len(found) == len(lines)
    # Three of 19 tests have been made, with p 0, 0.0351, 0.074: times 19, 18, 17.
    assert found['MID helps', 'baseline'] == ['+2.2 (IX)', '3', '+3.00 ± 1.00', '+0.52 to +5.48',
                                              '0.04', '0.63', 'seen', '+3.00 ± 1.00']
    assert found['Added points help', 'MID'][1:-1] == [
        '3', '-2.00 ± 0.00', '-2.00 to -2.00', '< 0.005', '< 0.005', '**the opposite holds**']
    assert found['KTM helps', 'MID + Aug'][1:-1] == ['3', '+2.00 ± 1.00', '-0.48 to +4.48',
                                                     '0.07', '1.00', 'not seen']
    assert found['KTM helps †', 'MID'][1:] == ['0', '-', '-', '-', '-', 'not run', '-']
    few = 'KTM helps more where labels are few'
    assert found[few, 'MID + Aug, 10 % of the points'][1:] == ['1', '+3.00', '-', '-', '-',
                                                                 'open', '+3.00']
    assert found[few + ' †', 'MID, 10 % of the points'][1:] == [
        '0', '-', '-', '-', '-', 'not run', '-'], 'ktn has no run'


def test_claims_are_looked_at_on_the_validation_set_too(bench, write_run, read):
    for seed in range(3):
        write_run('mid', seed, .3, curve=[{'epoch': 10, 'GPS/AP': .2}])
        write_run('ktn', seed, .3, rare=.4, curve=[{'epoch': 10, 'GPS/AP': .2 + .01 * seed}])
    # cut off before the last epoch, and never validated
    write_run('mid', 0, .3, curve=[{'epoch': 5, 'GPS/AP': .9}])
    write_run('ktn', 1, .3, curve=[])
    found = {(line[0], line[1]): line for line in rows_of(bench['claims'].claim_table(read()))}
    assert found['KTM helps †', 'MID'][-1] == '+2.00'
    rare = 'KTM helps the rare surfaces more than the frequent ones †'
    assert found[rare, 'MID'][4] != '-' and found[rare, 'MID'][-1] == '-'


def test_the_picture_of_gains_has_ktm_first_wherever_it_was_added(bench, write_run, read):
    assert not bench['plots'].gain_lines(read())
    for seed, gain in enumerate((.02, -.01)):
        write_run('baseline', seed, .30)
        write_run('mid', seed, .30 + gain)
        write_run('ktn', seed, .32)
    write_run('mid-interp-points10', 2, .20)
    write_run('ktn-interp-points10', 2, .17)
    write_run('ktn-gate', 2, .3)  # the row without it has no such seed
    write_run('ktn-interp', 1, .3)
    write_run('ktn-no-is', 1, .3)
    on_mid, few, mid, strengthening = bench['plots'].gain_lines(read())
    assert on_mid[::2] == ('KTM † · on MID', 'not seen', 3.9)
    assert few[::2] == ('KTM † · on MID + Aug, 10 % of the points', 'open', None)
    assert mid[::2] == ('MID · on baseline', 'not seen', 2.2)
    assert strengthening.text == 'instance strengthening · in MID + Aug + KTM'
    assert (on_mid.of_ktm, few.of_ktm, mid.of_ktm) == (True, True, False)
    assert on_mid.gains == pytest.approx({0: 0, 1: .03})
    assert few.gains == pytest.approx({2: -.03})
    assert mid.gains == pytest.approx({0: .02, 1: -.01})


def test_the_picture_of_gains_is_to_scale(bench):
    line = bench['plots'].GainLine
    figure = bench['plots'].gains_figure([
        line('KTM', {0: .01, 1: .02, 2: .03}, 'seen', True, 2.8),
        line('graph', {0: .01, 1: -.03}, 'not seen', False, 4.7, elsewhere=True),
        line('gate', {1: .01}, 'open', False)])
    axes, = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ['KTM', 'graph', 'gate']
    assert [text.get_text() for text in axes.texts] == [
        '3 pairs, seen', '2 pairs, not seen', '1 pair, open']
    drawn = {(round(each.get_ydata()[0]), each.get_label()): (each.get_xdata(), each.get_color())
             for each in axes.lines}
    bar, red = drawn[0, '95 % interval, not corrected']
    assert bar == pytest.approx([2 - 2.4842, 2 + 2.4842], abs=1e-4)  # as of 1, 2, 3 above
    assert drawn[0, 'mean'] == ([2], red) and drawn[1, 'mean'][0] == pytest.approx([-1])
    assert red == bench['plots'].KTM_COLOR != drawn[1, 'mean'][1]
    assert drawn[1, 'one seed'][0] == pytest.approx([1, -3])
    assert drawn[0, 'the paper'][0] == [2.8]
    assert drawn[1, 'the paper, another network'][0] == [4.7]
    assert not any(y == 2 and label.startswith('the paper') for y, label in drawn)
    legend, = figure.legends
    assert len(legend.get_texts()) == 5


def test_a_run_without_a_value_has_no_gain(bench, write_run, read):
    for seed in range(2):
        write_run('baseline', seed, .3)
        write_run('mid', seed, .4, **({} if seed else dict(figures={'GPS/AP': -1.})))
    line, = bench['plots'].gain_lines(read())
    assert line.gains == pytest.approx({1: .1})


def test_a_validation_that_was_cut_off_has_no_figure(bench, write_run, read):
    write_run('mid', 0, .3)
    write_run('mid', 1, .3, curve=[{'epoch': 2, 'GPS/AP': .2}, {'epoch': 5, 'GPS/AP': .1}])
    values = read().values('mid', f'{bench["results"].VALIDATION}GPS/AP')
    assert values[0] == .3 and math.isnan(values[1])


def test_the_share_of_fronts_is_of_points_that_have_a_face(bench, write_run, read):
    write_run('mid', 0, .3, surfaces=[
        dict(name=s.name, surface_accuracy=.5,
             points={'front': 30, 'back': 10, 'full': 1000}[s.face]) for s in SURFACES])
    assert read().fronts() == pytest.approx(.75)  # nine surfaces of each face


def test_how_many_tests_fall_below_the_level_is_told(bench, write_run, read):
    assert bench['claims'].below_level_sentence(read()) == ''
    for seed in range(3):
        write_run('baseline', seed, .30)
        write_run('mid', seed, .33 + .01 * seed)  # +3, +4, +5: p 0.02
        write_run('ktm', seed, .29 - .001 * seed)  # -1, -1.1, -1.2
    # the rare and the frequent do not change at all, so that there is no p
    assert bench['claims'].below_level_sentence(read()).startswith(
        'Of the 2 tests 2 fall below 0.05 (1 for the claim, 1 against it); 0.1 would')


def test_a_shared_deviation_is_the_root_mean_square(bench, write_run, read):
    statistics = bench['statistics']
    std, (p, none) = statistics.pooled_chances(
        [statistics.Spread(2, 1, 3, 3, 0), statistics.Spread(0, 7, 3, 1, 1)])
    assert std == pytest.approx(5)  # (2 x 1 + 2 x 49) / 4 = 25
    # four degrees of freedom, t = 2 / 5 x sqrt(3): P(|T| > t) = 1 - x (3 - x^2) / 2 with
    # x = t / sqrt(t^2 + 4)
    x = math.sqrt(.48 / 4.48)
    assert (p, none) == pytest.approx((1 - x * (3 - x * x) / 2, 1))

    assert bench['claims'].pooled_sentence(read()) == ''
    for seed, wobble in enumerate((-.01, 0, .01)):
        write_run('baseline', seed, .3)
        write_run('ktm', seed, .32 + wobble)
        write_run('mid', seed, .4)
        write_run('ktn', seed, .4 + 7 * wobble)
    assert bench['claims'].pooled_sentence(read()) == (
        'How much hangs on that: the deviations of the 2 lines of *KTM helps* run from 1.00 to '
        '7.00; were they one, 5.00, p would be 1.0000 on MID; '
        f'{p:.4f} on baseline. The smallest, on baseline, times 19 is {19 * p:.3f}. This was not '
        'planned. ')


def test_pairs_before_and_after_a_change_of_the_labels_are_told(bench, write_run, read):
    for seed, changes in enumerate((dict(augmentation=2), dict(augmentation=1), {})):
        write_run('mid', seed, .3)
        write_run('ktn', seed, .3, **changes)
    assert bench['tables'].crossed_pairs(read()) == 'MID and MID + KTM (seed 0)'


def test_rows_that_are_nearly_one_are_compared(bench, write_run, read):
    assert bench['tables'].replicates_sentence(read()) == ''
    for seed, more in enumerate((.01, -.02)):
        write_run('ktn-points10', seed, .3)
        write_run('ktn-interp-points10', seed, .3 + more, **(
            {} if seed else dict(machine=dict(processor='pencil', cores=1))))
    assert bench['tables'].replicates_sentence(read()) == (
        'With so few points Aug adds hardly any, but brings other crops; it moves the seeds by '
        '+1.0, -2.0 (MID + KTM, 10 % of the points); of these pairs at least 1 were made on '
        'different processors, pictures or augmentations. ')


def test_the_page_says_whose_code_made_the_results(bench, write_run, read, tmp_path):
    for seed, changes in enumerate((dict(code='a'), dict(code='a, then b'), {})):
        write_run('mid', seed, .3, **changes)
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    bench['pages'].write_page(read(), tmp_path / 'out', [0, 1, 2])
    page = (tmp_path / 'out' / 'README.md').read_text()
    assert '. 1 of the results do not name the commit of their code. 1 went on with' in page


def test_claims_name_rows_that_exist(bench):
    for claim in bench['claims'].CLAIMS:
        for name in (claim.without, claim.with_, *(claim.beyond or ())):
            assert bench['rows'].row_of(name)
    tested = {(claim.without, claim.with_) for claim in bench['claims'].CLAIMS
              if claim.of_gps and claim.adds == 'KTM'}
    assert tested == set(bench['rows'].PAIRS), 'KTM is tested wherever it was added'
    told = {name for claim in bench['claims'].CLAIMS for name in (claim.without, claim.with_)}
    assert told == {row.name for row in bench['rows'].ROWS}, 'each row is there for a claim'


def test_a_row_with_one_seed_has_no_deviation(bench, write_run, read):
    write_run('baseline', 1, .2)
    header, line = rows_of(bench['tables'].group_table(read(), 'main'))
    assert line[1] == '1' and line[header.index('GPS AP')] == '20.0'


def test_what_does_not_fit_is_left_out_and_named(tmp_path, write_run, read):
    for seed in range(3):
        write_run('mid', seed, .3)
    write_run('baseline', 0, .3, options=['train_cfg.max_epochs=1'])
    write_run('baseline', 1, .3, config_sha256='old')
    write_run('baseline', 2, .3, data_sha256='d2')
    write_run('baseline', 3, .3)
    write_run('ktn', 0, .3).rename(tmp_path / 'out' / 'runs' / 'ktn-seed1.json')
    path = write_run('ktm', 0, .3)
    path.write_text(path.read_text().replace('"row": "ktm"', '"row": "gone"'))
    results = read()
    assert list(results.runs) == ['mid']
    assert {name: why.split()[0] for name, why in results.left_out.items()} == {
        'baseline-seed0.json': 'has', 'baseline-seed1.json': 'its',
        'baseline-seed2.json': 'was', 'baseline-seed3.json': 'seed', 'ktm-seed0.json': 'there',
        'ktn-seed1.json': 'is'}


def test_data_that_differ_in_rounding_only_are_compared(
        bench, write_run, read, run_tool, tmp_path):
    data = bench['data']
    write_run('mid', 0, .3, data_sha256=data.MADE_FIRST)
    write_run('ktn', 0, .4, data_sha256=data.WITHOUT_AVX512)
    write_run('mid', 1, .3, data_sha256=data.MADE_FIRST)
    write_run('ktn', 1, .3, data_sha256='d2')
    results = read()
    assert {row: list(runs) for row, runs in results.runs.items()} == {'mid': [0, 1], 'ktn': [0]}
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    run_tool()
    page = (tmp_path / 'out' / 'README.md').read_text()
    assert 'made without AVX-512' in page and '): ktn, seed 0.\n' in page
    assert 'by how much: MID and MID + KTM (seed 0).\n' in page
    assert ', and not all on one machine ([runs]' in page


def test_missing_runs_are_named(bench, write_run, read):
    tables, total = bench['tables'], 3 * len(bench['rows'].ROWS)
    assert tables.state_sentence(read(), [0, 1, 2]).startswith(f'None of the {total} runs')
    write_run('mid', 1, .3)
    sentence = tables.state_sentence(read(), [0, 1, 2])
    assert sentence.startswith(f'1 of {total} runs are there. Missing: baseline (seeds 0, 1, 2)')
    assert 'mid (seeds 0, 2);' in sentence
    titles = tables.state_sentence(read(), [0, 1], titles=True)
    assert ' Missing: baseline (2); MID (1); MID + Aug (2);' in titles
    for row in bench['rows'].ROWS:
        write_run(row.name, 0, .3)
    assert tables.state_sentence(read(), [0]) == f'All {total // 3} runs are there.'


def test_plan_adds_up(bench):
    lines = rows_of(bench['tables'].plan_table(dict(baseline=20., mid=40.), [0, 1]))
    # Two rows of ResNet-18, 30 minutes each; all rows 30 on average; two seeds, two at a time.
    assert lines[-2] == ['ResNet-18 from scratch', '2', '2', '4', '120', '1.0', '0.3']
    n = len(bench['rows'].ROWS)
    assert lines[-1] == ['together', f'{n}', '2', f'{2 * n}', f'{60 * n}', f'{n / 2:.1f}',
                         f'{n / 6:.1f}']


def test_the_plan_is_made_of_an_estimate_until_there_are_runs(
        bench, tmp_path, write_run, read, run_tool):
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    page = tmp_path / 'out' / 'README.md'
    run_tool()
    assert 'is not known yet' in page.read_text()
    (tmp_path / 'out' / 'estimate.json').write_text(json.dumps(dict(
        data='pictures', machine=dict(processor='abacus', cores=3), load=.5, rows=dict(mid=dict(
            cpu_seconds_per_step=.5, cpu_seconds_per_tested_person=.01, cpu_seconds_to_start=9,
            steps=4020, minutes=40.)))))
    run_tool()
    text = page.read_text()
    assert 'abacus, 3 cores at a load of 0.5, with the pictures of pictures' in text
    assert '| mid | 0.50 | 0.010 | 9 | 4,020 | 40 |' in text
    n = len(bench['rows'].ROWS)
    assert f'| together | {n} | 3 | {3 * n} | {120 * n} | {n}.0 | {n / 3:.1f} |' in text

    for seed, minutes in enumerate((20., 30.)):
        write_run('mid', seed, .3, minutes=minutes)
    write_run('baseline', 0, .3, minutes=15.)
    assert read().minutes() == {'baseline': 15, 'mid': 25}
    run_tool()
    text = page.read_text()
    assert 'abacus, 3 cores at' not in text and '| mid | MID | 2 | 25 | 29 |' in text
    # 15 and 25, all others 20, three seeds
    assert f'| together | {n} | 3 | {3 * n} | {60 * n} | {n / 2:.1f} | {n / 6:.1f} |' in text


def test_rows_are_compared_with_rows_that_exist(bench):
    rows = bench['rows']
    names = [row.name for row in rows.ROWS]
    assert len(set(names)) == len(names) == len({row.config for row in rows.ROWS})
    assert all((ROOT / row.config).is_file() for row in rows.ROWS)
    assert {row.config.name for row in rows.ROWS} == {
        path.name for path in (ROOT / rows.CONFIGS).glob('*.py')}
    assert all(row.before in names[:names.index(row.name)] for row in rows.ROWS if row.before)
    assert {row.group for row in rows.ROWS} | {'own'} == set(rows.GROUPS)
    assert [row.name for row in rows.choose_rows(['ktm', 'res18'])] == [
        'ktm', 'baseline-res18', 'ktn-interp-res18']
    with pytest.raises(ValueError, match="'kmt' is no row and no group"):
        rows.choose_rows(['kmt'])


def test_rows_without_and_with_ktm_differ_in_nothing_else(bench):
    assert len(bench['rows'].PAIRS) == 6
    for pair in bench['rows'].PAIRS:
        without, with_ktm = (copy.deepcopy(bench['run'].read_config(
            bench['rows'].row_of(name).config)) for name in pair)
        assert without['model']['head'].get('ktm') is None
        assert with_ktm['model']['head'].pop('ktm')
        without['model']['head'].pop('ktm', None)
        assert without == with_ktm, pair


@pytest.mark.parametrize(('name', 'place', 'value'), [
    ('ktn-average', ('head', 'ktm', 'graph'), 'average'),
    ('ktn-no-transform', ('head', 'ktm', 'transform'), False),
    ('ktn-no-is', ('neck', 'instance_strengthening'), False),
    ('ktn-gate', ('neck', 'gate'), True)])
def test_a_row_differs_from_the_whole_network_in_one_switch(bench, name, place, value):
    row = bench['rows'].row_of(name)
    whole, changed = (copy.deepcopy(bench['run'].read_config(bench['rows'].row_of(n).config))
                      for n in (row.before, row.name))
    *way, last = place
    for config in (whole, changed):
        part = config['model']
        for key in way:
            part = part[key]
        assert (part.pop(last, None) == value) == (config is changed)
    assert whole == changed


def test_the_tool_writes_both_pages(tmp_path, bench, write_run, run_tool):
    begin, end = bench['pages'].BEGIN, bench['pages'].END
    readme = tmp_path / 'README.md'
    readme.write_text(f'# Title\n{begin}\nstale\n{end}\nthe rest\n')
    run_tool()
    assert 'nothing can be said about KTM' in readme.read_text()
    assert '## Results' not in (tmp_path / 'out' / 'README.md').read_text()

    for seed in range(3):
        for row in bench['rows'].ROWS:
            write_run(row.name, seed, .2 + .02 * seed + .01 * ('ktn' in row.name))
    run_tool()
    text = readme.read_text()
    assert text.startswith(f'# Title\n{begin}\n![Gains of GPS AP') and 'stale' not in text
    assert '](out/gains.png)\n\n*Red*' in text
    assert f'\n\nAll {3 * len(bench["rows"].ROWS)} runs are there.\n' in text
    assert text.endswith(f'{end}\nthe rest\n')
    page = (tmp_path / 'out' / 'README.md').read_text()
    assert all(f'### {bench["rows"].GROUPS[group]}' in page for group in bench['rows'].groups())
    assert '$' not in page
    assert '| KTM helps † | MID | +3.9 (I) | 3 | +1.00 ± 0.00 | +1.00 to +1.00 | < 0.005' in page
    for name in ('curves.png', 'gains.png', 'recall.png'):
        assert f']({name})' in page
        assert (tmp_path / 'out' / name).read_bytes().startswith(b'\x89PNG')
    run_tool()
    assert readme.read_text() == text
    assert dead_links(tmp_path / 'out' / 'README.md') == []


def dead_links(page):
    return [link for link in re.findall(r'\]\(([^)#:]+)', page.read_text())
            if not link.startswith('runs/') and not (page.parent / link).exists()]


def write_what_the_answer_says(write_run):
    """Write runs that bear answer.md out; seed 0 is first, AP of the last epoch is the curve's."""
    for seed, wobble in enumerate((-.01, 0., .01)):
        write_run('baseline', seed, .05)
        write_run('ktm', seed, .052 + .3 * wobble, rare=.22 + wobble)  # -0.1, +0.2, +0.5
        write_run('mid', seed, .10 + wobble)  # +4, +5, +6: the largest
        write_run('ktn', seed, .109 + .9 * wobble,  # +1.0, +0.9, +0.8; the best row
                  rare=.21 + .5 * wobble)
        write_run('mid-interp', seed, .09 + 1.5 * wobble)  # -1.5, -1, -0.5
        write_run('ktn-interp', seed, .09 + 2 * wobble,  # -0.5, 0, +0.5
                  rare=.21 + wobble)
        write_run('ktn-no-is', seed, .11)
        write_run('ktn-no-transform', seed, .08 + 1.5 * wobble)  # 0.5, 1, 1.5 below
        write_run('mid-points10', seed, .08)
        write_run('ktn-points10', seed, .08, curve=[{'epoch': 10, 'GPS/AP': .081 + wobble}])
        write_run('mid-interp-points25', seed, .1)
        write_run('ktn-interp-points25', seed, .096 - .2 * wobble)  # -0.2, -0.4, -0.6
        write_run('mid-interp-points10', seed, .08)
        write_run('ktn-interp-points10', seed, .076 - .1 * wobble)  # -0.3, -0.4, -0.5
        write_run('baseline-res18', seed, .03)
        write_run('ktn-interp-res18', seed, .05 + wobble,  # +1, +2, +3; two seeds are validated
                  curve=[{'epoch': 10, 'GPS/AP': .04}] if seed else [])


def test_the_answer_is_given_only_while_the_runs_say_it(
        tmp_path, bench, write_run, read, run_tool, capsys):
    def block():
        return bench['pages'].readme_block(read(), [0, 1, 2], 'out')

    write_what_the_answer_says(write_run)
    text = block()
    assert text.startswith('**Does KTM help?') and '$' not in text
    assert rows_of(bench['answer'].answer(read()))[1:] == [
        ['MID + Aug', '+0.0 ± 0.5', '1 of 3', '+0.0 ± 0.5', '1 of 3', '+2.8 (IX)'],
        ['MID †', '+0.9 ± 0.1', '3 of 3', '+0.9 ± 0.1', '3 of 3', '+3.9 (I)'],
        ['baseline', '+0.2 ± 0.3', '2 of 3', '+0.2 ± 0.3', '2 of 3', '+4.6 (I)'],
        ['MID + Aug, 25 % of the points †', '-0.4 ± 0.2', '0 of 3', '-0.4 ± 0.2', '0 of 3', '-'],
        ['MID + Aug, 10 % of the points †', '-0.4 ± 0.1', '0 of 3', '-0.4 ± 0.1', '0 of 3', '-'],
        ['MID, 10 % of the points †', '+0.0 ± 0.0', '0 of 3', '+0.1 ± 1.0', '2 of 3', '-']]
    assert 'by +2.0 ± 1.0 points on the baseline, +1.0 ± 0.5 on MID and +1.0 ± 1.0 on M' in text
    assert '-0.9 ± 0.1 points on MID with a tenth of the points, -0.4 ± 0.7 and -0.4 ±' in text
    assert 'transformer is needed: +1.0 ± 0.5 points (+1.0 ± 0.5 on the validation set)' in text
    assert 'MID gained most, +5.0 ± 1.0 (+5.0 ± 1.0), in every seed' in text
    assert 'ResNet-18 from scratch gained +2.0 ± 1.0 (3.0 to 5.0) by' in text
    assert 'MobileNetV2 gained +4.0 ± 2.0 by the three' in text
    assert 'On the validation set: +1.0 ± 0.0, 2 seeds' in text
    assert 'Added points, -1.0 ± 0.5 (-1.0 ± 0.5), and instance strengthening, -2.0 ± 2.0 ' in text
    assert 'KTM from 7.0 (seed 0) to 16.8, which' in text

    for seed in range(3):
        write_run('ktn-points10', seed, .09 + .01 * seed)
    assert not block().startswith('**Does'), 'with few labels it gains two points now'
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    run_tool()
    assert ('no short answer: "KTM helps" on MID, 10 % of the points is +2.0\n'
            in capsys.readouterr().out)


def on_both_sets(*said):
    return [*said, *(f'{line} on the validation set' for line in said)]


def validated(ap):
    return [{'epoch': 10, 'GPS/AP': ap}]


@pytest.mark.parametrize(('changed', 'said'), [
    ([('ktn', 1, dict(ap=.12))], on_both_sets('"KTM helps" on MID is +1.3')),
    ([('ktn', 1, dict(ap=.109, curve=validated(.12)))],
     ['"KTM helps" on MID is +1.3 on the validation set']),
    ([(row, seed, dict(ap=ap + step * seed, rare=.22 + .01 * seed))
      for seed in range(3) for row, ap, step in (
        ('ktm', .052, .001), ('ktn-interp', .078, .017), ('ktn-points10', .082, .001),
        ('ktn-interp-points25', .102, .001), ('ktn-interp-points10', .082, .001))],
     ['"KTM helps" on MID is not what holds with one deviation for all',
      *on_both_sets('KTM does not go up here and down there')]),
    ([('ktm', seed, dict(ap=.049 + .003 * seed)) for seed in range(3)],
     ['"KTM helps the rare surfaces more than the frequent ones" on baseline gains nothing']),
    ([('mid', 0, dict(ap=.09, curve=validated(.04)))],
     ['"KTM helps" on MID is +2.6 on the validation set',
      '"MID helps" on baseline does not gain in every seed on the validation set',
      '"Added points help" on MID gains something on the validation set',
      'MID does not gain more than MID, Aug and KTM together on the validation set']),
    ([('ktn-interp-res18', 1, dict(ap=.05, curve=validated(.03)))],
     ['"MID, added points and KTM help together" on baseline, ResNet-18 from scratch does not '
      'gain in every seed on the validation set']),
    ([('ktn-interp-res18', seed, dict(ap=.5 + .1 * seed)) for seed in (1, 2)], []),
    ([('baseline-res18', 1, dict(ap=.03, options=['a=1']))],
     ['"MID, added points and KTM help together" on baseline, ResNet-18 from scratch has 2 pairs, '
      'answer.md 3',
      '"MID, added points and KTM help together" on baseline, ResNet-18 from scratch has 1 pairs '
      'on the validation set, answer.md 2']),
    ([('ktn-no-is', seed, dict(ap=.06)) for seed in range(3)],
     on_both_sets('"Instance strengthening helps" on MID + Aug + KTM gains something')),
    ([('ktn-no-is', seed, dict(ap=.11, curve=validated(.06))) for seed in range(3)],
     ['"Instance strengthening helps" on MID + Aug + KTM gains something on the validation set']),
    ([('ktn-points10', 2, dict(ap=.08, curve=[]))],
     ['"KTM helps" on MID, 10 % of the points has 2 pairs on the validation set, answer.md 3',
      '"KTM helps more where labels are few" on MID, 10 % of the points has 2 pairs on the '
      'validation set, answer.md 3']),
    ([('ktn-no-is', 1, dict(ap=.11, options=['a=1']))],
     ['"Instance strengthening helps" on MID + Aug + KTM has 2 pairs, answer.md 3',
      '"Instance strengthening helps" on MID + Aug + KTM has 2 pairs on the validation set, '
      'answer.md 3']),
    ([('ktn-gate', seed, dict(ap=.11 + .0201 * seed)) for seed in range(3)],
     ['"The gate helps (ours)" on MID + Aug + KTM holds']),
    ([('ktn-gate', 1, dict(ap=.17, curve=validated(.1)))],
     ['the largest gain is that of "The gate helps (ours)" on MID + Aug + KTM']),
    ([('ktn', 2, dict(ap=.09, curve=validated(.118)))],
     ['"KTM helps" on MID is not what holds with one deviation for all',
      '"KTM helps more where labels are few" on MID, 10 % of the points gains something',
      'the best row is mid']),
    ([('ktn-interp', 0, dict(ap=.12)), ('mid-interp', 0, dict(ap=.118, curve=validated(.075))),
      ('ktn-interp', 1, dict(ap=.09, curve=validated(.045)))],
     ['"Added points help" on MID gains something',
      'MID does not gain more than MID, Aug and KTM together',
      '"The transformer helps" on MID + Aug + KTM does not gain in every seed on the validation '
      'set',
      'longer training does not gain more than any step'])])
def test_the_answer_is_not_given_when(bench, write_run, read, changed, said):
    write_what_the_answer_says(write_run)
    assert not bench['answer'].contradictions(read())
    for row, seed, result in changed:
        write_run(row, seed, **result)
    assert bench['answer'].contradictions(read()) == said


def test_the_answer_tells_the_size_of_ktm():
    ktm = KnowledgeTransferMachine(64)
    millions = sum(weights.numel() for weights in ktm.parameters()) / 1e6
    text = (TOOLS / 'open_body_runs' / 'answer.md').read_text()
    assert f'KTM costs {millions:.1f} million parameters' in text


@pytest.fixture
def write_trial(tmp_path, write_run):
    """Return a function that writes the result of a trial; what is left of the runs stays."""
    def write(name, row, seed, ap, **changes):
        runs = tmp_path / 'out' / 'runs'
        before = (runs / f'{row}-seed{seed}.json').read_text()
        path = write_run(row, seed, ap, **changes)
        trial = tmp_path / 'out' / 'trials' / name / 'runs' / path.name
        trial.parent.mkdir(parents=True)
        path.rename(trial)
        path.write_text(before)
        return trial
    return write


def test_trials_stand_beside_the_same_seed_without_their_options(
        tmp_path, bench, write_run, write_trial, run_tool):
    write_what_the_answer_says(write_run)
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    run_tool()
    page = tmp_path / 'out' / 'README.md'
    assert '### Trials' not in page.read_text()

    write_trial('slow', 'mid', 2, .12, options=['lr=0.1', 'a=b'],
                machine=dict(processor='slide rule', cores=2),
                curve=[{'epoch': 10, 'GPS/AP': .09}])
    write_trial('quick', 'ktn', 1, .114, options=['lr=9'])
    run_tool()
    assert '### Trials' in page.read_text() and dead_links(page) == []
    found = bench['trials'].read_trials(page.with_name('trials'), bench['results'].read_results(
        page.with_name('runs'), range(3)))
    quick, slow = rows_of(bench['trials'].trial_table(found))[1:]
    assert quick == ['quick', 'MID + KTM', '1', '11.4 (+0.5)', '11.4 (+0.5)', '40.0 (+0.0)', '-',
                     '`lr=9`']
    # the row itself has 11.0 with seed 2, and was made on another processor
    assert slow == ['slow', 'MID\\*', '2', '12.0 (+1.0)', '9.0 (-2.0)', '40.0 (+0.0)', '-',
                    '`lr=0.1` `a=b`']


@pytest.mark.parametrize('changes, words', [
    (dict(options=[]), 'mid-seed0.json: has no options'),
    (dict(options=['a=1'], config_sha256='other'), 'its config is not that of the run without'),
    (dict(options=['a=1'], data_sha256='d2'), 'its data are not those of the run without'),
    (dict(options=['a=1'], row='ktn'), 'there is no run of ktn, seed 0, without options')])
def test_what_is_no_trial_is_refused(tmp_path, bench, write_run, write_trial, read, changes,
                                     words):
    write_run('mid', 0, .1)
    trial = write_trial('odd', 'mid', 0, .1)
    trial.write_text(json.dumps({**json.loads(trial.read_text()), **changes}))
    with pytest.raises(ValueError, match=words):
        bench['trials'].read_trials(tmp_path / 'out' / 'trials', read())


def test_rows_have_what_they_would_have_with_the_truth(bench, write_run, read):
    for seed, ap in enumerate((.1, .3)):
        write_run('mid', seed, ap, bottleneck=[{'replaced': 'nothing', 'GPS/AP': ap},
                                               {'replaced': 'mask', 'GPS/AP': .5}])
    assert rows_of(bench['tables'].truth_table(read(), [bench['rows'].row_of('mid')])) == [
        ['from the annotation', 'MID'], ['nothing', '20.0 ± 14.1'], ['mask', '50.0 ± 0.0']]


def test_the_answer_is_given_for_the_runs_of_the_repository(bench):
    results = bench['results'].read_results(ROOT / 'docs' / 'benchmark' / 'runs', range(3))
    assert not bench['answer'].contradictions(results)


@pytest.mark.parametrize('content, words', [
    ('{"row": "mid"}', 'mid-seed0.json: not a result of the open benchmark: no seed'),
    ('{', 'mid-seed0.json: not a json file')])
def test_a_broken_result_is_one_line(tmp_path, write_run, run_tool, content, words):
    (tmp_path / 'README.md').write_text('')
    write_run('mid', 0, .3).write_text(content)
    with pytest.raises(SystemExit, match=f'^error: .*{words}') as refused:
        run_tool()
    assert '\n' not in str(refused.value)


def test_one_seed_has_no_power_to_tell_of(tmp_path, bench, write_run):
    (tmp_path / 'README.md').write_text(f'{bench["pages"].BEGIN}\n{bench["pages"].END}\n')
    write_run('mid', 0, .3)
    page = tmp_path / 'out' / 'README.md'
    for seeds, said in ((['0'], False), (['0', '1', '2'], True)):
        bench['tool'].main(['--out', str(tmp_path / 'out'), '--seeds', *seeds,
                            '--readme', str(tmp_path / 'README.md')])
        assert ('a mean must be 11.2 times its standard' in page.read_text()) == said
        assert 'nan' not in page.read_text()


def test_a_table_of_ones_own_leaves_the_readme_alone(tmp_path, bench, write_run, monkeypatch):
    write_run('mid', 0, .3)
    monkeypatch.setattr(bench['tool'], 'ROOT', tmp_path)
    (tmp_path / 'README.md').write_text('not to be touched')
    bench['tool'].main(['--out', str(tmp_path / 'out')])
    assert '## Results' in (tmp_path / 'out' / 'README.md').read_text()
    assert (tmp_path / 'README.md').read_text() == 'not to be touched'
    assert bench['tool'].parse_args([]).readme == tmp_path / 'README.md'


def test_a_page_without_markers_is_refused(tmp_path, run_tool):
    (tmp_path / 'README.md').write_text('# Title\n')
    with pytest.raises(SystemExit, match='^error: .*must hold the lines'):
        run_tool()
    assert not (tmp_path / 'out').exists()

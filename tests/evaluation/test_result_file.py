import json

import numpy as np
import pytest
from evaluation_cases import FlatBody, block_data, block_picture, random_data, size_of

from ktn_mm.evaluation import (
    GroundTruth,
    evaluate,
    measure,
    read_results,
    result_file,
    to_record,
    write_results,
)


@pytest.fixture(scope='module')
def truth():
    return GroundTruth(block_data(count=4), 'people.json')


@pytest.fixture(scope='module')
def records():
    return [to_record(block_picture(size_of(a['bbox'])), a['bbox'], .5, a['image_id'])
            for a in block_data(count=4)['annotations']]


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'results.json'


def same(one, other):
    """Say whether two detections are alike bit for bit."""
    return (one.image_id, one.key, one.score, one.mask) == (
        other.image_id, other.key, other.score, other.mask) and np.array_equal(
        one.box, other.box) and np.array_equal(one.samples, other.samples)


def test_results_from_a_file_score_the_same(truth, records, path):
    persons = [(image_id, p) for image_id, people in truth.persons.items() for p in people]
    direct = [measure(block_picture(size_of(p.box)), p.box, .5, truth, i) for i, p in persons]
    write_results(records, path)
    read = read_results(path, truth)
    assert read.skipped == [] and [d.key for d in read.detections] == [(n, ) for n in range(4)]
    assert evaluate(truth, read.detections, FlatBody()) == evaluate(truth, direct, FlatBody())


def test_any_number_of_processes_reads_the_same(path, monkeypatch):
    """More tasks than may wait, records of all kinds, two of them bad."""
    monkeypatch.setattr(result_file, 'RECORDS_AT_A_TIME', 2)
    monkeypatch.setattr(result_file, 'TASKS_AHEAD', 1)
    records, truth = [], None
    for seed in range(40):
        data, detections = random_data(seed)
        if len(detections) > 20:
            truth = GroundTruth(data)
            break
    for d in detections:
        d['picture'][0] %= 25
        records.append(to_record(d['picture'], d['box'], d['score'], d['image_id']))
    records[3]['score'], records[-1]['bbox'] = None, 'nowhere'
    path.write_text(json.dumps(records))
    read = {jobs: read_results(path, truth, jobs=jobs, skip_bad=True) for jobs in (1, 2, 3)}
    assert [bad.index for bad in read[1].skipped] == [3, len(records) - 1]
    assert len(read[1].detections) == len(records) - 2 > 18
    for jobs in (2, 3):
        assert read[jobs].skipped == read[1].skipped
        assert all(map(same, read[1].detections, read[jobs].detections))
    for jobs in (1, 2):
        with pytest.raises(ValueError, match=r'results.json: entry 3: score must be .* None'):
            read_results(path, truth, jobs=jobs)


@pytest.mark.parametrize('jobs', [1, 2])
def test_the_first_fault_of_a_file_is_told(truth, records, path, jobs):
    """Be it in a record or in the JSON after it."""
    path.write_text(json.dumps(records)[:-20])
    with pytest.raises(ValueError, match='results.json cannot be read: Unterminated string'):
        read_results(path, truth, jobs=jobs, skip_bad=True)
    path.write_text(json.dumps([records[0] | dict(image_id=5), *records])[:-20])
    with pytest.raises(ValueError, match='entry 0: image_id 5 is not in people.json'):
        read_results(path, truth, jobs=jobs)


def test_what_is_left_out_is_counted(truth, records, path):
    path.write_text(json.dumps([
        records[0] | dict(image_id=5), records[1], 17, records[0] | dict(image_id=6),
        {**records[0], 'bbox': [0, 0, -1, 1]}, records[2]]))
    read = read_results(path, truth, skip_bad=True)
    assert [d.key for d in read.detections] == [(1, ), (5, )]
    assert [bad.index for bad in read.skipped] == [0, 2, 3, 4]
    assert read.reasons() == {'unknown image': 2, 'no record': 1, 'bad bbox': 1}
    assert list(read.reasons())[0] == 'unknown image'


def test_an_empty_list(truth, path):
    write_results([], path)
    with pytest.raises(ValueError, match='results.json holds an empty list'):
        read_results(path, truth)
    read = read_results(path, truth, skip_bad=True)
    assert read == ([], [])
    assert set(evaluate(truth, read.detections, FlatBody()).values()) == {-1.}


def test_files_that_are_none(truth, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.json does not exist'):
        read_results(tmp_path / 'nowhere.json', truth)
    (tmp_path / 'broken.json').write_text('[{"a": 1} {}]')
    with pytest.raises(ValueError, match='broken.json cannot be read: neither'):
        read_results(tmp_path / 'broken.json', truth, skip_bad=True)
    (tmp_path / 'object.json').write_text('{"annotations": []}')
    with pytest.raises(ValueError, match='object.json cannot be read: it must hold a list'):
        read_results(tmp_path / 'object.json', truth, skip_bad=True)
    with pytest.raises(ValueError, match='jobs must be 1 or more'):
        read_results(tmp_path / 'object.json', truth, jobs=0)


@pytest.mark.parametrize('jobs', [1, 2])
def test_progress_reaches_the_size_of_the_file(truth, records, path, jobs, monkeypatch):
    monkeypatch.setattr(result_file, 'RECORDS_AT_A_TIME', 1)
    write_results(records, path)
    steps = []
    read_results(path, truth, jobs=jobs, progress=steps.append)
    assert sum(steps) == path.stat().st_size and min(steps) >= 0


def test_few_records_are_in_memory(truth, records, path, monkeypatch):
    """However slow the consumer, the file is read on only as results are taken."""
    monkeypatch.setattr(result_file, 'RECORDS_AT_A_TIME', 1)
    write_results(records * 50, path)
    taken = []

    def count(record, place):
        taken.append(place)
        return record

    inner = result_file.iterate_list
    monkeypatch.setattr(result_file, 'iterate_list',
                        lambda p: ((count(r, n), n) for r, n in inner(p)))
    reader = result_file._Reader(truth)
    ordered = result_file._parallel(reader, result_file._tasks(path), 2)
    for done in range(1, 20):
        next(ordered)
        assert len(taken) <= done + 2 * result_file.TASKS_AHEAD + 1
    ordered.close()


def test_a_process_that_dies_is_told(truth, records, path, monkeypatch):
    write_results(records, path)
    monkeypatch.setattr(result_file, 'read_record', lambda *_, **__: __import__('os')._exit(1))
    with pytest.raises(RuntimeError, match='died'):
        read_results(path, truth, jobs=2)

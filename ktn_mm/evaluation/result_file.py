"""Read a result file for evaluation: in parallel, in the memory of a few records."""
import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

from ktn_mm.evaluation.challenge_json import BadRecordError, read_record
from ktn_mm.evaluation.detection import Detection
from ktn_mm.evaluation.ground_truth import GroundTruth
from ktn_mm.evaluation.json_list import iterate_list

RECORDS_AT_A_TIME = 16
"""Records that go to a process together."""
TASKS_AHEAD = 4
"""Tasks that wait for each process; what bounds the memory."""


class BadEntry(NamedTuple):
    """An entry of a result file that was left out.

    Attributes:
        index: its place in the file, from 0.
        reason: what kind of fault.
        detail: what is wrong with it.
    """

    index: int
    reason: str
    detail: str


class Results(NamedTuple):
    """What a result file holds.

    Attributes:
        detections: in the order of the file.
        skipped: the entries that were left out, in the order of the file.
    """

    detections: list[Detection]
    skipped: list[BadEntry]

    def reasons(self) -> dict[str, int]:
        """Return how many entries were left out, by reason, the most frequent first."""
        return dict(Counter(bad.reason for bad in self.skipped).most_common())


Task = tuple[list[tuple[int, Any]], int]
"""Records with their places in the file, and the bytes read by then."""


def read_results(path: str | Path, ground_truth: GroundTruth, *, skip_bad: bool = False,
                 filled: bool = False, parts: bool = False, jobs: int = 1,
                 progress: Callable[[int], object] | None = None) -> Results:
    """Read a result file in the challenges' format.

    Pictures are decoded and reduced to numbers a few at a time; the file as a whole is never
    in memory.

    Args:
        path: the file.
        ground_truth: the annotation.
        skip_bad: leave out entries that cannot be used and accept an empty list.
        filled, parts: see :func:`~ktn_mm.evaluation.detection.measure`.
        jobs: processes that decode; 1 works in this one. The result does not depend on it.
        progress: called with the number of bytes done since the last call.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no JSON list; unless ``skip_bad``, if the list is empty or an
            entry cannot be used, with its place in the file, from 0, and the reason.
        RuntimeError: if a process dies.
    """
    if jobs < 1:
        raise ValueError(f'jobs must be 1 or more, got {jobs}')
    results, done = Results([], []), 0
    reader = _Reader(ground_truth, filled=filled, parts=parts)
    tasks = _tasks(path)
    for found, place in map(reader, tasks) if jobs == 1 else _parallel(reader, tasks, jobs):
        for entry in found:
            if isinstance(entry, Detection):
                results.detections.append(entry)
            elif skip_bad:
                results.skipped.append(entry)
            else:
                raise ValueError(f'result file {path}: entry {entry.index}: {entry.detail}')
        if progress is not None:
            progress(place - done)
        done = place
    if not (results.detections or results.skipped or skip_bad):
        raise ValueError(f'result file {path} holds an empty list: nothing to evaluate')
    return results


class _Reader:
    """Turn the records of a task into detections or into what is wrong with them."""

    def __init__(self, ground_truth: GroundTruth, **wants: bool) -> None:
        self.ground_truth = ground_truth
        self.wants = wants

    def __call__(self, task: Task) -> tuple[list[Detection | BadEntry], int]:
        records, place = task
        return [self._read(index, record) for index, record in records], place

    def _read(self, index: int, record: Any) -> Detection | BadEntry:
        try:
            return read_record(record, self.ground_truth, (index, ), **self.wants)
        except BadRecordError as error:
            return BadEntry(index, error.reason, error.detail)


def _tasks(path: str | Path) -> Iterator[Task]:
    """Cut the file into tasks; what comes before a fault of the file is handed out first."""
    records = []
    try:
        for index, (record, place) in enumerate(iterate_list(path)):
            records.append((index, record))
            if len(records) == RECORDS_AT_A_TIME:
                yield records, place
                records = []
    except FileNotFoundError as error:
        raise FileNotFoundError(f'result file {path} does not exist') from error
    except ValueError as error:
        if records:
            yield records, place
        raise ValueError(f'result file {path} cannot be read: {error}') from error
    yield records, os.path.getsize(path)


def _parallel(reader: _Reader, tasks: Iterator[Task],
              jobs: int) -> Iterator[tuple[list[Detection | BadEntry], int]]:
    """Do the tasks in processes; the results, and a fault of the file, come in order."""
    pool = ProcessPoolExecutor(jobs, initializer=_start, initargs=(reader, ))
    waiting, fault, ahead = deque(), None, TASKS_AHEAD * jobs
    try:
        while ahead or waiting:
            if ahead:
                try:
                    waiting.append(pool.submit(_work, next(tasks)))
                except (StopIteration, OSError, ValueError) as error:
                    fault, ahead = error, 0
            if len(waiting) > ahead:
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RuntimeError('a process that decodes pictures died, perhaps for want of memory; '
                           'try fewer jobs') from error
    finally:
        pool.shutdown(cancel_futures=True)
    if not isinstance(fault, StopIteration):
        raise fault


_reader = None


def _start(reader: _Reader) -> None:
    """Keep the reader in a new process, which leaves an interrupt to its parent."""
    global _reader
    _reader = reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: Task) -> tuple[list[Detection | BadEntry], int]:
    return _reader(task)

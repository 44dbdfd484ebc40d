"""Keep the books on annotations that cannot be used, and say so once."""
import logging

from mmengine.logging import print_log

from ktn_mm.structures.dense_annotation import AnnotationError, check_policy


class FaultReport:
    """Count faults by reason, or raise at the first.

    Args:
        source: the file that the annotations come from.
        on_bad: 'error' raises a ValueError that names file, annotation, field and value;
            'skip' counts.
        entry: what the file has entries of, ``'annotation'`` or ``'detection'``.
        examples: how many entries are named for a reason.
    """

    def __init__(self, source: str, on_bad: str, entry: str = 'annotation',
                 examples: int = 3) -> None:
        self.source = source
        self.on_bad = check_policy(type(self).__name__, on_bad)
        self.entry = entry
        self.examples = examples
        self.counts: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}

    def add(self, fault: AnnotationError, ann_id, loss: str) -> None:
        """Book one fault.

        Args:
            fault: what is wrong.
            ann_id: id of the annotation, or index of the detection.
            loss: what is left out on account of it, such as ``'person'``.
        """
        if self.on_bad == 'error':
            raise ValueError(f'{self.source}: {self.entry} {ann_id}: {fault}') from fault
        reason = f'{loss} left out, {fault.reason}'
        self.counts[reason] = self.counts.get(reason, 0) + 1
        first = self._first.setdefault(reason, [])
        if len(first) < self.examples:
            first.append(f'{self.entry} {ann_id}: {fault.detail}')

    @property
    def total(self) -> int:
        """Number of faults so far."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        """Return one line a reason: count, reason, the first few entries."""
        lines = [f'{self.source}: {self.total} faults were skipped']
        for reason, count in sorted(self.counts.items(), key=lambda item: -item[1]):
            more = ', ...' if count > self.examples else ''
            lines.append(f'  {count} x {reason} ({"; ".join(self._first[reason])}{more})')
        return '\n'.join(lines)

    def log(self) -> None:
        """Log the summary as one warning, if there is anything to say."""
        if self.counts:
            print_log(str(self), logger='current', level=logging.WARNING)


class LeftOut:
    """Count what is left out though nothing is wrong with it.

    Attributes:
        total: how much.
    """

    def __init__(self) -> None:
        self.total = 0
        self._reasons: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, example: str = '') -> None:
        """Count one more; of every reason the first example is kept."""
        count, first = self._reasons.get(reason, (0, example))
        self._reasons[reason] = count + 1, first
        self.total += 1

    def __str__(self) -> str:
        """Return one line: how many for which reason."""
        return 'left out are ' + ', '.join(
            f'{count} {reason}' + (f' (such as {first})' if first else '')
            for reason, (count, first) in self._reasons.items())

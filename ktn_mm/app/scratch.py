"""Temporary files of the page: they go after an hour, and all when it ends."""
import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

KEPT = 3600.
"""Seconds after its last change that a file may go."""


class Scratch:
    """A folder of temporary files, emptied of old ones by a thread.

    Use it in a ``with`` statement: files are there inside it only.

    Args:
        kept: seconds that a file stays at least.

    Attributes:
        root: the folder.
        uploads: where the server puts what is uploaded.
        results: where :meth:`new_folder` makes folders.
    """

    def __init__(self, kept: float = KEPT) -> None:
        self.kept = kept
        self.root = Path(tempfile.mkdtemp(prefix='ktn_mm_app_')).resolve()
        self.uploads, self.results = self.root / 'uploads', self.root / 'results'
        for folder in (self.uploads, self.results):
            folder.mkdir()
        self._end = threading.Event()
        self._sweeper = threading.Thread(target=self._keep_sweeping, daemon=True)

    def new_folder(self) -> Path:
        """Make a folder whose name nobody can guess."""
        folder = self.results / secrets.token_hex(16)
        folder.mkdir()
        return folder

    def sweep(self) -> None:
        """Remove files that are old, and folders that are empty and old."""
        limit = time.time() - self.kept
        for top in (self.uploads, self.results):
            for folder, _, names in os.walk(top, topdown=False):
                old = os.stat(folder).st_mtime < limit
                for name in names:
                    path = Path(folder, name)
                    if path.stat().st_mtime < limit:
                        path.unlink(missing_ok=True)
                if old and Path(folder) != top and not os.listdir(folder):
                    os.rmdir(folder)

    def _keep_sweeping(self) -> None:
        while not self._end.wait(self.kept / 6):
            self.sweep()

    def __enter__(self) -> 'Scratch':
        self._sweeper.start()
        return self

    def __exit__(self, *error) -> None:
        self._end.set()
        self._sweeper.join()
        shutil.rmtree(self.root, ignore_errors=True)

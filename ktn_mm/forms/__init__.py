"""The forms in which a result goes to files."""
from .records import challenge_records, keypoint_records
from .saving import FORMS, Form, encode, save_result
from .writing import RecordFile, write_file

__all__ = ['FORMS', 'Form', 'RecordFile', 'challenge_records', 'encode', 'keypoint_records',
           'save_result', 'write_file']

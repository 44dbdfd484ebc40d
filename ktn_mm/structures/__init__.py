"""What is passed between rooms: the geometry of a crop, and what a user gets."""
from .crop_frame import CropFrame, box_to_image, cell_centers, image_to_box
from .dense_pose_result import DensePoseResult, PersonMaps, PersonPose

__all__ = ['CropFrame', 'DensePoseResult', 'PersonMaps', 'PersonPose', 'box_to_image',
           'cell_centers', 'image_to_box']

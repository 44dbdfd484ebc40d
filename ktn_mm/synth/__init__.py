"""People that never were: pictures with exact DensePose annotation, from numpy alone."""

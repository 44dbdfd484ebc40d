"""Where the reference's protocol and a clean one part: the one table of it.

=========================== =============================== ====================================
what                        ``compat='detectron2'``         ``compat=None``
=========================== =============================== ====================================
frame of ``dp_x``, ``dp_y`` box extent / 255                / 256, as annotated and trained
pixel of a point            offset from the detection's     the pixel of the picture that covers
                            corner, truncated towards 0: a  the point; points beyond the corner
                            point up to a pixel before the  are outside; the picture spans the
                            corner is read in row, column   box, however its sides were rounded
                            0
mask in the image           picture put at the truncated    every pixel of the image takes what
                            corner                          the picture has at its centre
mask of an annotation       ``dp_masks`` scaled between     every pixel of the image takes what
                            corner pixels, cut at half      the frame of 256 has at its centre
annotations of one id       the last stands for them all    each stands for itself
annotation id 0             a match with it is no match     as any other
box rescue                  a detection unmatched at 0.95   none. A detection without match is
                            takes over, at all thresholds,  ignored if its box overlaps that of
                            whether the person is ignored   a person without dense annotation by
                            whose box it overlaps by 0.8    half or more
image without wanted person its detections are free         its detections are errors
area of a detection         its box                         its mask, as the area of a person
``iscrowd`` with points     to be found, and by many        ignored
``dp_x`` without a valid    to be found, GPS 0              ignored
point
box of no area              dropped where an image has      kept
                            ignore regions
=========================== =============================== ====================================

In both: all COCO rules that are not named here, at most 20 detections an image, U and V of 8 bit,
kappa of the part, similarity 0 never matches, a detection outside its image has mask IoU 0 (the
reference stops there with an error), and vertex pairs are counted in 64 bits (the reference
overflows in numpy 2 where the files hold 16-bit numbers).

Source: detectron2's ``DensePoseCocoEvaluation``, described in words and checked by figures.
"""
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ktn_mm.evaluation.ground_truth import Person

Compat = Literal['detectron2'] | None


class Rules(NamedTuple):
    """One column of the table.

    Attributes:
        point_frame: extent of the box frame that points are read with.
        truncates: points and masks are read at truncated corners.
        merges_ids: annotations of one id are all the last one.
        uncounted_id: annotation id that no match counts with, or None.
        box_rescue: box IoU from which an unmatched detection shares a person's fate, or None.
        excuse: box IoU with a person without dense annotation from which an unmatched detection
            is ignored, or None.
        free_images: detections in images without wanted persons are ignored.
        box_area: the area of a detection is that of its box.
        wants_all: persons with ``dp_x`` are wanted even if a crowd or without valid point.
        drops_empty_boxes: boxes of no area are dropped in images with ignore regions.
    """

    point_frame: float
    truncates: bool
    merges_ids: bool
    uncounted_id: int | None
    box_rescue: float | None
    excuse: float | None
    free_images: bool
    box_area: bool
    wants_all: bool
    drops_empty_boxes: bool

    def wants(self, person: 'Person') -> bool:
        """Tell whether a person counts as missed where no detection finds them."""
        return person.annotated and (self.wants_all or (
            len(person.points) > 0 and not person.crowd))


DETECTRON2 = Rules(point_frame=255., truncates=True, merges_ids=True, uncounted_id=0,
                   box_rescue=0.8, excuse=None, free_images=True, box_area=True, wants_all=True,
                   drops_empty_boxes=True)
CLEAN = Rules(point_frame=256., truncates=False, merges_ids=False, uncounted_id=None,
              box_rescue=None, excuse=0.5, free_images=False, box_area=False, wants_all=False,
              drops_empty_boxes=False)


def rules_of(compat: Compat) -> Rules:
    """Return the rules of a protocol.

    Raises:
        ValueError: if ``compat`` is neither ``'detectron2'`` nor None.
    """
    if compat is None:
        return CLEAN
    if compat == 'detectron2':
        return DETECTRON2
    raise ValueError(f"compat must be 'detectron2' or None, got {compat!r}")

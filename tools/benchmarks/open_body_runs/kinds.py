"""Kinds of surfaces, which tell what is rare from what is a back."""
from ktn_mm.surface.charts import Surface

KINDS = ('backs of arms and legs', 'fronts of lower arms and legs',
         'fronts of upper arms and legs', 'torso', 'head, hands, feet')
"""In the table's order."""


def kind_of(surface: Surface) -> str:
    """Return the kind of a surface, one of :data:`KINDS`."""
    if surface.noun == 'torso':
        return KINDS[3]
    if surface.noun not in ('arm', 'leg'):
        return KINDS[4]
    if surface.face == 'back':
        return KINDS[0]
    return KINDS[1 if surface.level == 'lower' else 2]

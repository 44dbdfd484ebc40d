"""The colours of a body, on the atlas of its 24 charts."""
from .atlas import TILE, join_tiles, read_atlas, split_tiles
from .painting import paint_texture
from .unwrapping import TextureSum

__all__ = ['TILE', 'TextureSum', 'join_tiles', 'paint_texture', 'read_atlas', 'split_tiles']

"""From a scene to its picture and to the exact label of every pixel."""
from typing import NamedTuple

import cv2
import numpy as np

from ktn_mm.synth.body import Body
from ktn_mm.synth.camera import Camera, supersample
from ktn_mm.synth.environments import crop_photo, linear, look_at_panorama, read_photo
from ktn_mm.synth.film import develop
from ktn_mm.synth.folds import bend, relief
from ktn_mm.synth.garments import Tailor
from ktn_mm.synth.lighting import ShadowMap, contact_shade, crevices, sky_light
from ktn_mm.synth.noise import noise
from ktn_mm.synth.paint import paint
from ktn_mm.synth.rasterizer import Hits, interpolate, rasterize
from ktn_mm.synth.scene import Look, Scene, turn_matrix
from ktn_mm.synth.screens import covered, paint_screen

FINE = 2
"""The picture is drawn on a grid that is finer by this factor, then averaged."""
BOX_FACES = np.array([(0, 2, 1), (1, 2, 3), (4, 5, 6), (5, 7, 6), (0, 1, 4), (1, 5, 4),
                      (1, 3, 5), (3, 7, 5), (3, 2, 7), (2, 6, 7), (2, 0, 6), (0, 4, 6)])


class Labels(NamedTuple):
    """What the ray through the centre of each pixel meets first.

    Attributes:
        person: (h, w) uint8, index in the scene plus 1; 0 for anything else.
        surface: (h, w) uint8, I: 0 or 1..24.
        uv: (h, w, 2) float32, 0 outside people.
        depth: (h, w) float32 metres along the camera's axis; inf where nothing is met, 0 at
            something flat in front.
    """

    person: np.ndarray
    surface: np.ndarray
    uv: np.ndarray
    depth: np.ndarray


class _Mesh(NamedTuple):
    """All triangles of a scene; those of person i are [i * F, (i + 1) * F)."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray


def draw_picture(scene: Scene, body: Body, tailor: Tailor,
                 rng: np.random.Generator) -> tuple[np.ndarray, Labels]:
    """Draw a scene.

    Returns:
        The picture (h, w, 3) uint8 RGB, and the labels. The labels come from their own rays
        through the centres of the pixels, not from the smoothed picture.
    """
    mesh = _assemble(scene, body)
    projected = scene.camera.project(mesh.vertices)
    labels = _label(scene, body, projected, mesh.faces)
    width, height = scene.camera.size
    fine = (width * FINE, height * FINE)
    hits = rasterize(supersample(projected, FINE), mesh.faces, fine)

    coefficients, exposure = _sky(scene)
    # Too little sun to see its shadow: save the time.
    shadows = (ShadowMap(mesh.vertices, mesh.faces, scene.sun) if scene.sun_strength > .05
               else None)
    rays = scene.camera.rays()
    backdrop = _backdrop(scene, rays, rng, exposure)
    backdrop *= _ground_shade(scene, rays, mesh, shadows)[..., None]
    canvas = cv2.resize(backdrop, fine, interpolation=cv2.INTER_LINEAR).reshape(-1, 3)
    if scene.look is not None:
        canvas = _behind(canvas, scene.look, fine)
        coefficients = _harmonize(coefficients, canvas, scene)
    canvas[hits.sample] = _shade(scene, body, tailor, mesh, hits, shadows, coefficients, rng)
    for screen in scene.screens:
        paint_screen(canvas, screen, fine, FINE)
    picture = cv2.resize(canvas.reshape(fine[1], fine[0], 3), (width, height),
                         interpolation=cv2.INTER_AREA)
    if scene.look is not None:
        return develop(picture, scene.look.film, rng), labels
    return _develop(picture, rng), labels


def _assemble(scene: Scene, body: Body) -> _Mesh:
    vertices = [person.vertices for person in scene.people]
    normals = [body.normals(person.vertices) for person in scene.people]
    faces = [body.faces + i * len(body.vertices) for i in range(len(scene.people))]
    start = sum(map(len, vertices))
    for box in scene.boxes:
        # Corners are doubled for each side, so that edges stay sharp.
        corners = box[BOX_FACES]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        vertices.append(corners.reshape(-1, 3))
        normals.append(np.repeat(flat, 3, 0))
        faces.append(np.arange(len(BOX_FACES) * 3).reshape(-1, 3) + start)
        start += len(BOX_FACES) * 3
    return _Mesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(normals))


def _label(scene: Scene, body: Body, projected: np.ndarray, faces: np.ndarray) -> Labels:
    width, height = scene.camera.size
    hits = rasterize(projected, faces, scene.camera.size)
    hidden = np.zeros(height * width, bool)
    for screen in scene.screens:
        x, y = covered(screen.corners, scene.camera.size)
        hidden[y * width + x] = True
    hits = Hits(*(values[~hidden[hits.sample]] for values in hits))
    person, face = np.divmod(hits.face, len(body.faces))
    own = person < len(scene.people)
    labels = Labels(np.zeros(height * width, np.uint8), np.zeros(height * width, np.uint8),
                    np.zeros((height * width, 2), np.float32),
                    np.full(height * width, np.inf, np.float32))
    labels.depth[hits.sample] = hits.depth
    sample, face = hits.sample[own], face[own]
    labels.person[sample] = person[own] + 1
    labels.surface[sample] = body.face_surface[face]
    uv = np.einsum('pkd,pk->pd', body.face_uv[face], hits.weights[own])
    labels.uv[sample] = np.clip(uv, 0, 1)
    labels.depth[hidden] = 0
    return Labels(*(values.reshape((height, width) + values.shape[1:]) for values in labels))


def _sky(scene: Scene) -> tuple[np.ndarray, float]:
    """Return the sky's coefficients in the world's axes, and the exposure.

    The sky's light is scaled so that people come out well exposed; the backdrop keeps step.
    """
    probes = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0], [-1, 0, 0], [.6, -.6, .5],
                       [-.6, -.6, .5]])
    light = sky_light(scene.environment.irradiance, probes @ turn_matrix(scene.turn)).mean(1)
    # Neither dark on the whole nor burnt where the light comes from.
    exposure = float(np.clip(min(.62 / light.mean(), .95 / light.max()), .1, 2.5))
    # Eyes and cameras take away much of the colour of the light.
    coefficients = scene.environment.irradiance * np.float32(exposure)
    grey = coefficients.mean(1, keepdims=True)
    return grey + .55 * (coefficients - grey), exposure


def _backdrop(scene: Scene, rays: np.ndarray, rng: np.random.Generator,
              exposure: float) -> np.ndarray:
    """Return the place without people, (h, w, 3) float32 linear."""
    size = scene.camera.size
    if scene.photo is not None:
        photo = crop_photo(read_photo(scene.photo), size, rng.uniform(1, 1.7),
                           (rng.random(), rng.random()), bool(rng.random() < .5))
        return linear(photo) * np.float32(rng.uniform(.75, 1.1))
    seen = look_at_panorama(scene.environment.panorama, rays @ turn_matrix(scene.turn))
    gain = exposure * rng.uniform(.75, 1.1)
    seen = seen * np.float32(min(gain, .55 / max(float(seen.mean()), 1e-3)))
    return seen * (1 + .04 * _ground_grain(scene, rays, rng)[..., None])


def _behind(canvas: np.ndarray, look: Look, fine: tuple[int, int]) -> np.ndarray:
    """Return the canvas (P, 3) with clutter, out of focus."""
    for screen in look.clutter:
        paint_screen(canvas, screen, fine, FINE)
    if look.defocus:
        image = canvas.reshape(fine[1], fine[0], 3)
        canvas = cv2.GaussianBlur(image, (0, 0), look.defocus * FINE).reshape(-1, 3)
    return canvas


def _harmonize(coefficients: np.ndarray, canvas: np.ndarray, scene: Scene) -> np.ndarray:
    """Return the sky's coefficients (9, 3), tinted as the photograph behind people is."""
    if scene.photo is None:
        return coefficients
    color = canvas.mean(0) / max(float(canvas.mean()), 1e-4)
    return coefficients * (color ** np.float32(scene.look.harmony))


def _ground_grain(scene: Scene, rays: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return fine grain on the ground, which the panorama is too small to show."""
    points, near = _ground_points(scene.camera, rays)
    where = np.flatnonzero(near)
    flat = np.zeros((len(where), 3), np.float32)
    flat[:, :2] = points.reshape(-1, 2)[where]
    seed = int(rng.integers(1 << 30))
    grain = np.zeros(near.size, np.float32)
    grain[where] = noise(flat, 20., seed, smooth=False) + noise(flat, 60., seed + 1, smooth=False)
    return grain.reshape(near.shape) * near.astype(np.float32)


def _ground_points(camera: Camera, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays meet the ground, (h, w, 2), and how near that is, 0 far to 1."""
    drop = np.minimum(rays[..., 2], -1e-3)
    reach = -camera.eye[2] / drop
    points = camera.eye[:2] + rays[..., :2] * reach[..., None]
    return points, np.where(rays[..., 2] < -.01, np.clip(1.5 - reach / 10, 0, 1), 0)


def _ground_shade(scene: Scene, rays: np.ndarray, mesh: _Mesh,
                  shadows: ShadowMap | None) -> np.ndarray:
    """Return the light (h, w) that is left on the ground around people's feet."""
    points, near = _ground_points(scene.camera, rays)
    shade = 1 - .75 * contact_shade(mesh.vertices, points) * (near > 0)
    if shadows is not None:
        strength = scene.sun_strength * max(float(scene.sun[2]), .2)
        dark = .85 * strength / (.6 + strength)
        where = np.flatnonzero((near > 0).ravel())
        flat = np.zeros((len(where), 3))
        flat[:, :2] = points.reshape(-1, 2)[where]
        light = shadows.light(flat, blur=.02 if not scene.environment.indoor else .06)
        shade.reshape(-1)[where] *= 1 - dark * (1 - light)
    return shade.astype(np.float32)


def _shade(scene: Scene, body: Body, tailor: Tailor, mesh: _Mesh, hits: Hits,
           shadows: ShadowMap | None, coefficients: np.ndarray,
           rng: np.random.Generator) -> np.ndarray:
    """Return the light (P, 3) that leaves the hits towards the camera."""
    normals = interpolate(mesh.normals.astype(np.float32), mesh.faces, hits)
    normals = _unit(normals)
    points = interpolate(mesh.vertices.astype(np.float32), mesh.faces, hits)
    person, face = np.divmod(hits.face, len(body.faces))
    albedo = np.empty((len(face), 3), np.float32)
    gloss, height = np.zeros((2, len(face)), np.float32)
    first_box = len(scene.people) * len(body.faces)
    for i in range(len(scene.boxes)):
        own = (hits.face - first_box) // len(BOX_FACES) == i
        albedo[own] = _box_color(points[own], rng)
    for i, one in enumerate(scene.people):
        own = person == i
        places = tailor.places(face[own], hits.weights[own].astype(np.float32))
        skirt = body.is_skirt(face[own])
        albedo[own], gloss[own] = paint(places, body.is_eyeball(face[own]), one.outfit,
                                        tailor.bone, skirt)
        if scene.look is not None:
            height[own] = relief(places, one.outfit, tailor.bone, skirt)
    if scene.look is not None:
        normals = bend(normals, height, hits.sample, hits.depth.astype(np.float32), person,
                       scene.camera, FINE)
    turned = normals @ turn_matrix(scene.turn).astype(np.float32)
    size = (scene.camera.size[0] * FINE, scene.camera.size[1] * FINE)
    light = sky_light(coefficients, turned)
    light *= crevices(hits.sample, hits.depth, size, scene.camera.focal * FINE)[:, None]
    if shadows is not None:
        sun = scene.sun.astype(np.float32)
        reaches = shadows.light(points) * scene.sun_strength
        light += (np.clip(normals @ sun, 0, 1) * reaches)[:, None] * np.float32([1, .97, .9])
        half = _unit(_unit(scene.camera.eye.astype(np.float32) - points) + sun)
        glint = np.clip(np.einsum('pd,pd->p', normals, half), 0, 1) ** 24 * gloss * reaches
    else:
        glint = np.zeros(len(face), np.float32)
    return albedo * light + glint[:, None]


def _box_color(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the linear albedo (P, 3) of a box: wood, stone, or boards with gaps."""
    grain = ((3, 3, 40), (40, 40, 3), (15, 15, 15))[rng.integers(3)]
    color = np.clip(rng.uniform(.12, .85) + rng.normal(0, .08, 3), .03, .95) ** 2.2
    texture = 1 + .16 * noise(points, grain, int(rng.integers(1 << 30)))
    period, axis = rng.uniform(.12, .6), int(rng.choice((0, 2)))
    texture *= np.where(np.mod(points[:, axis], period) < .012, .45, 1)
    return color.astype(np.float32) * texture[:, None].astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.einsum('pd,pd->p', vectors, vectors))
    return vectors / np.maximum(length, 1e-6)[:, None]


def _develop(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn linear light (h, w, 3) into 8 bits as a camera does: exposure, blur, noise."""
    light = light * (rng.uniform(.8, 1.25) * rng.uniform(.95, 1.05, 3)).astype(np.float32)
    if rng.random() < .25:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(.4, .8))
    shown = np.clip(light / (1 + .12 * light) * 1.12, 0, 1) ** np.float32(1 / 2.2)
    grain = rng.standard_normal(shown.shape, np.float32)
    shown = shown + grain * np.float32(rng.uniform(.003, .014))
    return np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)

"""requirements.txt, pyproject.toml and check_env name the same versions, and the set is closed."""
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ktn_mm.check_env import OPTIONAL, STACK

ROOT = Path(__file__).resolve().parents[2]
# What the installed packages ask for and do not need; the head of requirements.txt says why.
LEFT_OUT = {
    ('mmpose', 'chumpy'), ('openmim', 'opendatalab'), ('imaug', 'opencv-python-headless'),
    ('imaug', 'imagecorruptions-imaug'), ('xtcocotools', 'cython')
}
OWN_ENVIRONMENT = {'body', 'app', 'app-test'}
"""Extras that requirements.txt leaves out: tools/build_open_body.py and `make app-test` install
them beside it."""


def pins() -> dict[str, str]:
    """Return name -> specifier of every line of requirements.txt."""
    lines = [re.sub(r'(^|\s)#.*', '', line).strip()
             for line in (ROOT / 'requirements.txt').read_text().splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    names = [canonicalize_name(requirement.name) for requirement in requirements]
    assert len(set(names)) == len(names)
    return {name: str(requirement.specifier)
            for name, requirement in zip(names, requirements, strict=True)}


def project() -> dict:
    """Return the [project] table, read by the reader that builds the package."""
    from setuptools.config.pyprojecttoml import load_file
    return load_file(ROOT / 'pyproject.toml')['project']


def declared() -> dict[str, str]:
    """Return name -> specifier of pyproject's dependencies and extras in requirements.txt."""
    table = project()
    lines = list(table['dependencies'])
    for extra, requirements in table['optional-dependencies'].items():
        lines += [] if extra in OWN_ENVIRONMENT else requirements
    return {canonicalize_name(Requirement(line).name): str(Requirement(line).specifier)
            for line in lines}


def test_every_requirement_is_one_exact_version():
    for name, specifier in pins().items():
        assert re.fullmatch(r'==[\w.]+', specifier), f'{name}{specifier}'


def test_pyproject_names_the_same_versions_as_requirements():
    wanted, have = declared(), pins()
    assert {'numpy', 'scipy', 'pytest'} <= wanted.keys()
    assert {name: have.get(name) for name in wanted} == wanted


def test_extras_of_their_own_environment_are_exact_too():
    from ktn_mm.cli.app import GRADIO
    extras = project()['optional-dependencies']
    assert extras['app'] == [GRADIO]
    for name in OWN_ENVIRONMENT:
        assert all(re.fullmatch(r'[\w-]+==[\w.]+', line) for line in extras[name])


def test_pip_can_install_what_pyproject_asks_for():
    """None of them drags in chumpy or an mmcv without ops."""
    assert not declared().keys() & {'mmpose', 'chumpy', 'onedl-mmcv', 'openmim', 'opendatalab'}


def test_the_command_line_in_requirements_names_the_pins_of_its_first_stage():
    head, _, rest = (ROOT / 'requirements.txt').read_text().partition('# --- Stage 1')
    stage = rest.partition('# --- Stage 2')[0]
    typed = set(re.findall(r'[\w-]+==[\w.]+', head))
    assert typed == set(re.findall(r'^[\w-]+==[\w.]+', stage, re.MULTILINE))


@pytest.mark.parametrize('row', STACK + OPTIONAL, ids=lambda row: row[0])
def test_check_env_expects_the_pinned_versions(row):
    assert pins()[canonicalize_name(row[1])] == f'=={row[2]}'


def needs(name: str) -> list[Requirement]:
    """Return what an installed distribution asks for on this machine."""
    found = [Requirement(line) for line in metadata.requires(name) or []]
    return [item for item in found if item.marker is None or item.marker.evaluate({'extra': ''})]


def test_the_set_is_closed():
    """Whatever a pinned package asks for is pinned too, or left out on purpose."""
    have = pins()
    torch_brings = {canonicalize_name(item.name) for item in needs('torch')} | {'networkx'}
    lacking = set()
    for name in have.keys() - {'torch', 'torchvision'}:
        if name in ('cython', 'exceptiongroup', 'tomli'):
            continue  # only on some versions of Python
        for item in needs(name):
            if canonicalize_name(item.name) not in have.keys() | torch_brings | {'pip'}:
                lacking.add((name, canonicalize_name(item.name)))
    assert lacking <= LEFT_OUT, lacking - LEFT_OUT


def test_pinned_versions_satisfy_each_other():
    have = pins()
    clashes = []
    for name in have.keys() - {'cython', 'exceptiongroup', 'tomli'}:
        for item in needs(name):
            pin = have.get(canonicalize_name(item.name))
            if pin and not item.specifier.contains(pin.removeprefix('=='), prereleases=True):
                clashes.append(f'{name} wants {item}, pinned {pin}')
    assert clashes == []

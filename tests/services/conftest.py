"""A center with a day suite and a 24-hour suite, for the tests of services. Tests may have their own of the same
names."""

from __future__ import annotations

import pytest

from scheduler.domain.permissions import FRONT_DESK
from tests import factories as make


@pytest.fixture
def center(db):
    return make.make_center()


@pytest.fixture
def day_suite(center):
    """Mon-Fri 08-18, three recliners and a bed."""
    unit = make.make_day_suite(center)
    for _ in range(3):
        make.make_chair(unit)
    make.make_bed(unit)
    return unit


@pytest.fixture
def night_suite(center):
    """Open always, three beds."""
    unit = make.make_night_suite(center)
    for _ in range(3):
        make.make_bed(unit)
    return unit


@pytest.fixture
def chair(day_suite):
    return day_suite.chairs.select_related("unit__center").first()


@pytest.fixture
def patient(center):
    return make.make_patient(center)


@pytest.fixture
def actor(center):
    """A manager."""
    return make.make_actor(center)


@pytest.fixture
def desk(center):
    return make.make_actor(center, FRONT_DESK)

"""What every test shares: Hypothesis profiles and the way to the real logs. Nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

CHECKOUT: Final = Path(__file__).resolve().parents[1]

# A slow or busy machine is no finding: hence no deadline, and no complaint about slow inputs.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    parent=settings.get_profile("ci"),
    derandomize=False,
    max_examples=5_000,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real logs beside the checkout; without it, the test is skipped."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs real logs in ../shared/data beside the checkout; they are not published")
    return folder

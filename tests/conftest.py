"""What takes longest begins first, so that no worker is left with it at the end."""

from pathlib import Path
from typing import Final

import pytest

LONGEST_FIRST: Final = (
    "tools/test_compiled_core.py",
    "replay/test_faults.py",
    "tools/campaign/test_campaign.py",
    "replay/test_updates.py",
    "features/detectors/test_definitions.py",
    "tools/detection/injection/test_injection.py",
    "test_notebooks.py",
    "test_main.py",
    "replay/test_recording.py",
    "replay/test_client.py",
    "replay/test_orders.py",
    "data_ingestion/simulated_exchange/test_market.py",
    "data_ingestion/simulated_exchange/test_far_makers.py",
    "test_cluster.py",
    "processes/test_memory_profile.py",
    "dashboard/test_page.py",
    "dashboard/test_hands.py",
    "dashboard/test_forms.py",
    "dashboard/test_states.py",
)
_PLACE: Final = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the files named above to the front; within a file, and for all others, the order stays."""
    items.sort(key=lambda item: _PLACE.get(item.path, len(_PLACE)))

from __future__ import annotations

import ctypes

import pytest

from tstream.run.process_facts import give_back, memory_bytes


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library gives nothing back")
def test_memory_of_a_burst_goes_back_to_the_system_though_something_above_it_stays() -> None:
    burst = [bytearray(2_000) for _ in range(20_000)]
    stays = [bytearray(2_000) for _ in range(50)]
    held = memory_bytes()
    burst.clear()
    give_back()
    assert held - memory_bytes() > 20_000_000
    assert len(stays) == 50

"""Every venue that runs the cards, by name: a twin with its adapter, as `twin_under_test` gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from tests.acceptance import test_kraken
from tests.acceptance.venue_under_test import VenueUnderTest

UnderTest = Callable[[], AbstractAsyncContextManager[VenueUnderTest]]

VENUES: Mapping[str, UnderTest] = {"kraken": test_kraken.under_test}

"""Parts of every test of the brokers."""

from collections.abc import Iterator

import pytest

from tests.brokers import links


@pytest.fixture(autouse=True)
def no_line_outlives_its_test() -> Iterator[None]:
    """A test that fails must not leave a client behind that connects for ever."""
    yield
    for link in links.open_links:
        link._client.disconnect()
        link._client.loop_stop()
    links.open_links.clear()

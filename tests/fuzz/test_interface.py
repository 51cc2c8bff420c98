"""The interface against its own document: whatever is sent, the answer is no crash and has the shape that was promised."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import content_type_conformance, not_a_server_error, response_schema_conformance
from schemathesis.core.result import Ok

from tests.server.api.conftest import Site
from tests.server.api.places import Places

EXAMPLES = 6
"""For each operation and each kind of input."""

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A served county in which something happens, on SQLite."""
    with TemporaryDirectory() as folder:
        made = Site(Path(folder))
        Places(made, Path(folder))
        yield made
        made.server.stop()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_answer_is_a_crash(site: Site, mode: GenerationMode) -> None:
    """As an administrator's program, with input that fits the document or breaks it: no 5xx, every shape as described."""
    bearer = {"Authorization": f"Bearer {site.secret}"}
    document = schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.server.app, headers=bearer)
    asked = set[str]()

    for found in document.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not operation.query and not operation.body:
            continue  # nothing can be sent to it that would break the document

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case[Any]) -> None:
            case.validate_response(case.call(headers=bearer), checks=CHECKS)
            asked.add(case.operation.label)

        ask()

    assert len(asked) >= (40 if mode is GenerationMode.POSITIVE else 20)
    assert site.client.get("/api/v1/me").json()["name"] == "duty"  # it was who asked, to the end

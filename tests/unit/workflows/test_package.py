"""How the package comes in: nothing loaded, nothing sent, found by its entry point."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from importlib import metadata
from typing import Any

import pytest
from isolated import python
from scripted import Server

import imednet_workflows
from imednet import AsyncImednetSDK, ImednetSDK
from imednet.plugins import WorkflowsNamespaceProtocol, installed
from imednet_workflows import Workflows, create_workflows

PARTS = [
    "data_extraction",
    "query_management",
    "record_mapper",
    "record_update",
    "register_subjects",
    "study_structure",
    "subject_data",
]
HEAVY = "[n for n in ('pandas', 'numpy') if n in sys.modules]"


@pytest.mark.parametrize(
    "script",
    [
        "import imednet_workflows",
        "import imednet, imednet_workflows as w\n"
        "w.create_workflows(imednet.ImednetSDK('a', 'b', URL))",
        "import imednet, imednet_workflows as w\n"
        "w.create_workflows(imednet.AsyncImednetSDK('a', 'b', URL))",
        "import imednet\nsdk = imednet.ImednetSDK('a', 'b', URL)\n"
        f"[getattr(sdk.workflows, part) for part in {PARTS}]",
        "import imednet\nsdk = imednet.AsyncImednetSDK('a', 'b', URL)\n"
        f"[getattr(sdk.workflows, part) for part in {PARTS}]",
    ],
    ids=["import", "factory", "async factory", "every part", "every async part"],
)
def test_nothing_heavy_is_loaded_and_nothing_sent(script: str) -> None:
    with Server() as server:
        done = python("-c", f"import sys\nURL = {server.url!r}\n{script}\nprint({HEAVY})")
        assert (done.stdout, done.stderr) == ("[]\n", "")
        assert server.connections == 0


def test_the_check_for_heavy_modules_sees_them() -> None:
    done = python("-c", f"import sys, pandas\nprint({HEAVY})")
    assert done.stdout == "['pandas', 'numpy']\n"


# --- the entry point of the installed distribution


def test_the_distribution_registers_the_factory() -> None:
    points = metadata.distribution("imednet-workflows").entry_points
    (point,) = points.select(group="imednet.plugins")
    assert (point.name, point.value) == ("workflows", "imednet_workflows:create_workflows")
    assert point.load() is create_workflows


def test_the_core_finds_the_plugin_sound() -> None:
    (plugin,) = [p for p in installed() if p[:2] == ("imednet.plugins", "workflows")]
    assert plugin.distribution == "imednet-workflows"
    assert plugin.version == imednet_workflows.__version__
    assert plugin.error is None


def test_it_becomes_the_workflows_of_the_sdk() -> None:
    with ImednetSDK("a", "b", "https://a.test") as sdk:
        assert type(sdk.workflows) is Workflows
        assert isinstance(sdk.workflows, WorkflowsNamespaceProtocol)
        assert repr(sdk.workflows) == f"<workflows of {sdk!r}>"


def test_it_becomes_the_workflows_of_the_async_sdk(study: Any) -> None:
    server = study.server

    async def main() -> tuple[Any, Any]:
        async with AsyncImednetSDK(server.api_key, server.security_key, server.url) as sdk:
            assert isinstance(sdk.workflows, WorkflowsNamespaceProtocol)
            assert type(sdk.sync.workflows) is Workflows
            counts = sdk.workflows.query_management.get_query_state_counts
            return await counts(study.key), sdk.sync.workflows

    counts, plain = asyncio.run(main())
    assert counts == study.flows.query_management.get_query_state_counts(study.key)
    assert sum(counts.values()) == len(study.kept("queries"))
    assert repr(plain).startswith("<workflows of <ImednetSDK")


# --- the namespace


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_made_once_and_documented(name: str, study: Any) -> None:
    part = getattr(study.flows, name)
    assert getattr(study.flows, name) is part
    assert type(part).__doc__.startswith(f"`sdk.workflows.{name}`")
    assert getattr(Workflows, name).__doc__


def test_there_are_no_other_parts() -> None:
    assert [n for n in vars(Workflows) if not n.startswith("_")] == PARTS


def test_a_part_that_is_misspelt_is_an_attribute_error(study: Any) -> None:
    with pytest.raises(AttributeError, match="data_extractions"):
        study.flows.data_extractions  # noqa: B018


def test_no_key_is_shown(stack: ExitStack) -> None:
    sdk = stack.enter_context(ImednetSDK("secret-a", "secret-b", "https://a.test"))
    assert "secret" not in repr(create_workflows(sdk)) + repr(sdk.workflows.record_mapper)

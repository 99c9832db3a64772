"""The plugin door, with distributions that are really installed on the path."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from wheels import WHOLE, Wheels

from imednet import AsyncImednetSDK, ImednetSDK, plugins
from imednet.errors import ImednetError, PluginLoadError
from imednet.plugins import InstalledPlugin, PluginProtocol, WorkflowsNamespaceProtocol, installed

FLOWS = "imednet.plugins: workflows"


def make(**options: Any) -> ImednetSDK:
    return ImednetSDK("api-key-4711", "security-key-0815", "https://a.test", **options)


def refused(**options: Any) -> str:
    with pytest.raises(PluginLoadError) as caught:
        make(**options)
    assert isinstance(caught.value, ImednetError)
    return str(caught.value)


def install(wheels: Wheels, source: str, reference: str = "create_workflows") -> None:
    wheels.install("some-flows", source, {FLOWS: reference}, "2.5")


NAMED = (
    "the plugin 'workflows' of some-flows 2.5 (imednet.plugins: some_flows:{}) cannot be used: {}."
)

# --- none


def test_without_a_plugin_there_is_a_placeholder() -> None:
    assert repr(make().workflows) == "<sdk.workflows: not installed>"


MISSING = (
    "sdk.workflows comes from a plugin that is not installed. Install it with:\n"
    "  pip install imednet-workflows"
)


@pytest.mark.parametrize(
    "use",
    [
        lambda flows: flows.data_extraction,
        lambda flows: flows.anything_else,
        lambda flows: flows(),
        lambda flows: flows["x"],
        lambda flows: list(flows),
        lambda flows: len(flows),
        lambda flows: "x" in flows,
        lambda flows: bool(flows),
        lambda flows: setattr(flows, "x", 1),
        lambda flows: hasattr(flows, "data_extraction"),
    ],
    ids=["part", "attribute", "call", "item", "iter", "len", "in", "bool", "set", "hasattr"],
)
def test_any_use_of_the_placeholder_says_what_to_install(use: Any) -> None:
    with pytest.raises(ImportError) as caught:
        use(make().workflows)
    assert str(caught.value) == MISSING


@pytest.mark.parametrize("name", ["_private", "__wrapped__", "_repr_html_", "__len_hint__"])
def test_private_names_of_the_placeholder_are_not_there(name: str) -> None:
    flows = make().workflows
    assert not hasattr(flows, name)
    with pytest.raises(AttributeError):
        getattr(flows, name)


def test_the_async_sdk_has_the_same_placeholder() -> None:
    sdk = AsyncImednetSDK("a", "b", "https://a.test")
    with pytest.raises(ImportError, match="pip install imednet-workflows"):
        sdk.workflows.data_extraction  # noqa: B018


# --- one


def test_the_factory_gets_the_sdk(wheels: Wheels) -> None:
    install(wheels, WHOLE)
    sdk = make()
    assert sdk.workflows.data_extraction == "here"
    assert sdk.workflows.sdk is sdk
    assert isinstance(sdk.workflows, WorkflowsNamespaceProtocol)


def test_the_factory_gets_the_async_sdk(wheels: Wheels) -> None:
    install(wheels, WHOLE)
    sdk = AsyncImednetSDK("a", "b", "https://a.test")
    assert sdk.workflows.sdk is sdk
    assert sdk.sync.workflows.sdk is sdk.sync
    asyncio.run(sdk.close())


def test_the_factory_may_use_what_the_sdk_has(wheels: Wheels) -> None:
    source = WHOLE + "\ndef create(sdk):\n    sdk.records, sdk.jobs, sdk.plugins, sdk.settings\n"
    install(wheels, source + "    return Namespace(sdk)\n", "create")
    assert make().workflows.record_mapper == "here"


@pytest.mark.parametrize(
    ("source", "reference", "why"),
    [
        (
            "import no_such_module",
            "f",
            "importing it failed: ModuleNotFoundError: No module named 'no_such_module'; install "
            "no_such_module, which is to be its dependency, or imported where it is used.",
        ),
        ("1 / 0", "f", "importing it failed: ZeroDivisionError: division by zero"),
        ("x = (", "f", "importing it failed: SyntaxError: '(' was never closed"),
        ("raise SystemExit(3)", "f", "importing it failed: SystemExit: 3"),
        (
            "",
            "f",
            "importing it failed: AttributeError: module 'some_flows' has no attribute 'f'; "
            "correct the entry point in its pyproject.toml, and install it again.",
        ),
        (
            "import json; json.x",
            "f",
            "importing it failed: AttributeError: module 'json' has no attribute 'x'.",
        ),
        (
            "import some_flows.inner",
            "f",
            "importing it failed: ModuleNotFoundError: No module named 'some_flows.inner'; ",
        ),
        ("f = 5", "f", "it is 5, which cannot be called"),
        ("f = None", "f", "it is None, which cannot be called"),
        (
            "def f(): ...",
            "f",
            "calling it with the SDK failed: TypeError: f() takes 0 positional arguments but 1 ",
        ),
        (
            "def f(sdk): raise KeyError('x')",
            "f",
            "calling it with the SDK failed: KeyError: 'x'",
        ),
        (
            "def f(sdk): raise SystemExit(3)",
            "f",
            "calling it with the SDK failed: SystemExit: 3",
        ),
        (
            "def f(sdk): sdk.workflows",
            "f",
            "calling it with the SDK failed: AttributeError: ",
        ),
        (
            "def f(sdk): ...",
            "f",
            "what it returned has no data_extraction, query_management, record_mapper, "
            "record_update, subject_data",
        ),
        (
            "class f:\n    def __init__(self, sdk): ...\n"
            "    data_extraction = record_mapper = record_update = subject_data = 1",
            "f",
            "what it returned has no query_management",
        ),
    ],
    ids=[
        "missing",
        "zero",
        "syntax",
        "exit",
        "name",
        "attribute",
        "submodule",
        "number",
        "none",
        "arguments",
        "raises",
        "leaves",
        "early",
        "empty",
        "lacking",
    ],
)
def test_a_broken_plugin_is_named_with_its_cause(
    wheels: Wheels, source: str, reference: str, why: str
) -> None:
    install(wheels, source, reference)
    said = refused()
    assert said.startswith(NAMED.format(reference, why)[:-1])
    assert said.endswith(".")


def test_the_cause_is_kept(wheels: Wheels) -> None:
    install(wheels, "def create_workflows(sdk): raise KeyError('x')")
    with pytest.raises(PluginLoadError) as caught:
        make()
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", ["RuntimeError", "ImportError", "AttributeError"])
def test_a_part_that_raises_when_looked_at_is_a_broken_plugin(wheels: Wheels, error: str) -> None:
    source = f"""
        class f:
            def __init__(self, sdk): ...
            data_extraction = record_mapper = record_update = subject_data = 1
            @property
            def query_management(self): raise {error}("mine")
        """
    install(wheels, source, "f")
    why = f"what it returned cannot be used: {error}: mine"
    assert refused() == NAMED.format("f", why)


@pytest.mark.parametrize("make_sdk", [ImednetSDK, AsyncImednetSDK], ids=["plain", "async"])
def test_a_part_whose_import_misses_a_name_is_a_broken_one(wheels: Wheels, make_sdk: Any) -> None:
    source = """
        from imednet.aio import awaited
        class Flows:
            data_extraction = record_mapper = record_update = subject_data = 1
            @property
            def query_management(self):
                import json
                return json.lost
        def f(sdk): return awaited(Flows()) if hasattr(sdk, "sync") else Flows()
        """
    install(wheels, source, "f")
    with pytest.raises(PluginLoadError) as caught:
        make_sdk("a", "b", "https://a.test")
    assert "cannot be used: AttributeError: module 'json' has no" in str(caught.value)
    assert isinstance(caught.value.__cause__, AttributeError)


def test_the_async_sdk_names_a_broken_plugin_too(wheels: Wheels) -> None:
    install(wheels, "f = 5", "f")
    with pytest.raises(PluginLoadError, match="some-flows"):
        AsyncImednetSDK("a", "b", "https://a.test")


# --- several

TWO = (
    "2 workflows plugins are installed, her-flows 1.0, his.flows 2.0: uninstall all but one, or "
    "name the distribution to use in workflows= or IMEDNET_WORKFLOWS."
)


@pytest.fixture
def two(wheels: Wheels) -> Wheels:
    wheels.install("her-flows", WHOLE, {FLOWS: "create_workflows"})
    wheels.folder.joinpath("his_flows_source.py").write_text("")
    wheels.install("his.flows".replace(".", "-"), WHOLE, {FLOWS: "create_workflows"}, "2.0")
    metadata = wheels.folder / "his_flows-2.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("his-flows", "his.flows"))
    return wheels


def test_two_of_them_need_a_choice(two: Wheels) -> None:
    assert refused() == TWO


@pytest.mark.parametrize("name", ["her-flows", "her_flows", "HER.Flows", " her-flows "])
def test_the_argument_chooses(two: Wheels, name: str) -> None:
    assert type(make(workflows=name).workflows).__module__ == "her_flows"


def test_the_environment_chooses(two: Wheels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_WORKFLOWS", "his-flows")
    assert type(make().workflows).__module__ == "his_flows"
    assert type(make(workflows="her-flows").workflows).__module__ == "her_flows"


def test_the_one_not_chosen_may_be_broken(wheels: Wheels) -> None:
    wheels.install("her-flows", WHOLE, {FLOWS: "create_workflows"})
    wheels.install("bad-flows", "1 / 0", {FLOWS: "f"})
    assert make(workflows="her-flows").workflows.subject_data == "here"


def test_a_choice_that_is_not_installed(two: Wheels) -> None:
    assert refused(workflows="no-flows") == (
        "no workflows plugin comes from 'no-flows', which workflows= or IMEDNET_WORKFLOWS names; "
        "installed: her-flows 1.0, his.flows 2.0."
    )


def test_a_choice_where_none_is_installed() -> None:
    assert refused(workflows="no-flows") == (
        "no workflows plugin comes from 'no-flows', which workflows= or IMEDNET_WORKFLOWS names; "
        "installed: none."
    )


# --- other plugins

OTHER = """
MADE = []

class Thing:
    def __init__(self, sdk):
        self.sdk = sdk
        MADE.append(self)
"""


def test_a_plugin_is_made_on_first_use_and_kept(wheels: Wheels) -> None:
    wheels.install("some-things", OTHER, {"imednet.plugins: things": "Thing"})
    sdk = make()
    assert "some_things" not in sys.modules
    first = sdk.plugins.things
    assert first is sdk.plugins.things
    assert first.sdk is sdk
    assert [first] == sys.modules["some_things"].MADE


def test_many_threads_make_it_once(wheels: Wheels) -> None:
    slow = OTHER.replace("self.sdk = sdk", "import threading; threading.Event().wait(0.05)")
    wheels.install("some-things", slow, {"imednet.plugins: things": "Thing"})
    sdk = make()
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(lambda _: id(sdk.plugins.things), range(6)))
    assert len(made) == 1


def test_each_sdk_has_its_own(wheels: Wheels) -> None:
    wheels.install("some-things", OTHER, {"imednet.plugins: things": "Thing"})
    one, other = make(), AsyncImednetSDK("a", "b", "https://a.test")
    assert one.plugins.things.sdk is one
    assert other.plugins.things.sdk is other


def test_dir_lists_them_without_loading(wheels: Wheels) -> None:
    wheels.install("bad-things", "1 / 0", {"imednet.plugins: bad": "f"})
    wheels.install("some-things", OTHER, {"imednet.plugins: things": "Thing", FLOWS: "f"})
    listed = dir(plugins.Plugins(None))  # type: ignore[arg-type]
    assert listed == ["bad", "things"]
    assert repr(plugins.Plugins(None)) == "<plugins: bad, things>"  # type: ignore[arg-type]


def test_a_broken_one_is_named_and_disturbs_nothing_else(wheels: Wheels) -> None:
    wheels.install("bad-things", "1 / 0", {"imednet.plugins: bad": "f"})
    wheels.install("some-things", OTHER, {"imednet.plugins: things": "Thing"})
    install(wheels, WHOLE)
    sdk = make()
    for _ in range(2):
        with pytest.raises(PluginLoadError) as caught:
            sdk.plugins.bad  # noqa: B018
        assert str(caught.value) == (
            "the plugin 'bad' of bad-things 1.0 (imednet.plugins: bad_things:f) cannot be used: "
            "importing it failed: ZeroDivisionError: division by zero."
        )
    assert sdk.plugins.things.sdk is sdk
    assert sdk.workflows.sdk is sdk


def test_one_that_is_not_installed(wheels: Wheels) -> None:
    with pytest.raises(AttributeError) as caught:
        make().plugins.nothing  # noqa: B018
    assert str(caught.value) == "no plugin 'nothing' is installed; installed: none"
    wheels.install("some-things", OTHER, {"imednet.plugins: things": "Thing"})
    with pytest.raises(AttributeError) as caught:
        make().plugins.thnigs  # noqa: B018
    assert str(caught.value) == "no plugin 'thnigs' is installed; installed: things"


def test_two_of_one_name(wheels: Wheels) -> None:
    for name in ("her-things", "his-things"):
        wheels.install(name, OTHER, {"imednet.plugins: things": "Thing"})
    with pytest.raises(PluginLoadError) as caught:
        make().plugins.things  # noqa: B018
    assert str(caught.value) == (
        "2 plugins are called 'things', her-things 1.0, his-things 1.0: uninstall all but one."
    )


@pytest.mark.parametrize("name", ["_private", "__wrapped__", "workflows"])
def test_names_that_are_no_plugins(name: str) -> None:
    assert not hasattr(make().plugins, name)


def test_workflows_are_no_plugin_among_others(wheels: Wheels) -> None:
    install(wheels, WHOLE)
    sdk = make()
    assert not hasattr(sdk.plugins, "workflows")
    assert dir(sdk.plugins) == []


# --- installed()


def test_installed_lists_all_with_what_is_wrong(wheels: Wheels) -> None:
    wheels.install(
        "some-things",
        OTHER + "def command(): ...\npage = 5\n",
        {
            "imednet.plugins: things": "Thing",
            "imednet.commands: do": "command",
            "imednet.dashboard: look": "page",
            "imednet.unheard: of": "Thing",
        },
        "3.1",
    )
    found = [plugin for plugin in installed() if plugin.distribution == "some-things"]
    assert found == [
        InstalledPlugin("imednet.plugins", "things", "some-things", "3.1", None),
        InstalledPlugin("imednet.commands", "do", "some-things", "3.1", None),
        InstalledPlugin(
            "imednet.dashboard",
            "look",
            "some-things",
            "3.1",
            "the plugin 'look' of some-things 3.1 (imednet.dashboard: some_things:page) cannot be "
            "used: it is 5, which cannot be called.",
        ),
    ]


def test_installed_survives_what_is_broken(wheels: Wheels) -> None:
    install(wheels, "1 / 0", "f")
    (found,) = [plugin for plugin in installed() if plugin.distribution == "some-flows"]
    assert found.error == NAMED.format(
        "f", "importing it failed: ZeroDivisionError: division by zero"
    )


def test_the_simulators_commands_are_among_them() -> None:
    found = {plugin[:3] for plugin in installed()}
    assert ("imednet.commands", "simulate", "imednet-simulator") in found


# --- protocols


def test_a_factory_is_a_plugin() -> None:
    def create_workflows(sdk: Any) -> Any: ...

    assert isinstance(create_workflows, PluginProtocol)
    assert not isinstance("text", PluginProtocol)


def test_a_namespace_has_its_five_parts() -> None:
    class Whole:
        data_extraction = query_management = record_mapper = record_update = subject_data = None

    class Lacking:
        data_extraction = query_management = record_mapper = record_update = None

    assert isinstance(Whole(), WorkflowsNamespaceProtocol)
    assert not isinstance(Lacking(), WorkflowsNamespaceProtocol)


# --- distributions that are not whole


@pytest.fixture
def gone(wheels: Wheels) -> Wheels:
    """Two distributions whose removal left their entry points behind, and nothing else."""
    for name in ("gone-one", "gone-two"):
        wheels.install(name, "", {FLOWS: "f"})
        (wheels.folder / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA").unlink()
        (wheels.folder / f"{name.replace('-', '_')}.py").unlink()
    return wheels


@pytest.mark.filterwarnings("ignore::DeprecationWarning:importlib")
@pytest.mark.parametrize("wanted", [None, "no-flows"])
def test_a_distribution_without_metadata_is_a_broken_plugin(
    gone: Wheels, wanted: str | None
) -> None:
    assert "workflows" in refused(workflows=wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:importlib")
def test_a_distribution_without_metadata_is_listed(gone: Wheels) -> None:
    found = [plugin for plugin in installed() if plugin.name == "workflows"]
    assert len(found) == 2
    for plugin in found:
        assert isinstance(plugin.distribution, str)
        assert isinstance(plugin.version, str)
        assert plugin.error is not None

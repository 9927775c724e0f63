"""Patches of Invoke, Fabric and paramiko: what they depend on is as it was when they were written."""

import ast
import copy
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import fabric
import paramiko
import pytest
from fabric.executor import Executor
from fabric.main import Fab
from invoke.config import Config as InvokeConfig
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.parser.parser import ParseMachine, Parser
from invoke.program import Program
from invoke.tasks import Task
from paramiko.config import SSHConfig
from paramiko.packet import Packetizer

import fabfile
from fabfile.cli.leading import CommandParser
from fabfile.cli.options import Command, Option
from fabfile.cli.patches.invoke_patches import CommandExecutor
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.paramiko_patches import FastTransport, IndexedSSHConfig, LimitedPacketizer
from rr_config.command_line.options import OPTIONS

ROOT = Path(fabfile.__file__).parent
# The signature of each function that a patch replaces, overrides or calls, and that is not documented.
SIGNATURES = {
    ParseMachine.handle: "(self, token: str) -> None",
    ParseMachine.error: "(self, msg: str) -> None",
    ParseMachine.see_value: "(self, value: Any) -> None",
    InvokeConfig._load_file: "(self, prefix: str, absolute: bool = False, merge: bool = True) -> None",
    Fab.update_config: "(self)",
    Fab.parse_cleanup: "(self) -> None",
    Fab.print_help: "(self) -> None",
    Fab.print_task_help: "(self, name: str) -> None",
    Fab.list_flat: "(self) -> None",
    Fab._make_parser: "(self) -> invoke.parser.parser.Parser",
    Parser.parse_argv: "(self, argv: List[str]) -> invoke.parser.parser.ParseResult",
    Executor.expand_calls: "(self, calls, apply_hosts=True)",
    Task.get_arguments: "(self, ignore_unknown_help: bool | None = None) -> List[invoke.parser.argument.Argument]",
    fabric.Config._load_ssh_files: "(self)",
    fabric.Config.set_runtime_ssh_path: "(self, path)",
    SSHConfig._tokenize: "(self, config, target_hostname, key, value)",  # type: ignore[attr-defined]
    SSHConfig._allowed_tokens: "(self, key)",  # type: ignore[attr-defined]
    SSHConfig._lookup: "(self, hostname, options=None, canonical=False, final=False)",  # type: ignore[attr-defined]
    Packetizer.read_all: "(self, n, check_rekey=False)",
    Packetizer.send_message: "(self, data)",
    Packetizer.set_keepalive: "(self, interval, callback)",
    paramiko.Transport._send_user_message: "(self, data)",  # type: ignore[attr-defined]
    paramiko.Transport._auth_trigger: "(self)",  # type: ignore[attr-defined]
    paramiko.Transport._parse_disconnect: "(self, m)",  # type: ignore[attr-defined]
    paramiko.Transport._verify_key: "(self, host_key, sig)",  # type: ignore[attr-defined]
    paramiko.Transport._parse_kex_init: "(self, m)",  # type: ignore[attr-defined]
    paramiko.Transport._really_parse_kex_init: "(self, m, ignore_first_byte=False)",  # type: ignore[attr-defined]
    paramiko.Transport.__init__: (
        "(self, sock, default_window_size=2097152, default_max_packet_size=32768, disabled_algorithms=None,"
        " server_sig_algs=True, strict_kex=True, packetizer_class=None)"
    ),
}
# Functions in place of the ones above, and the functions that they replace.
REPLACED = [
    (LimitedPacketizer.read_all, Packetizer.read_all),
    (FastTransport._parse_kex_init, paramiko.Transport._parse_kex_init),  # type: ignore[attr-defined]
    (CommandExecutor.expand_calls, Executor.expand_calls),
    (Command.get_arguments, Task.get_arguments),
    *((function, inspect.unwrap(function)) for function in (ParseMachine.handle, ParseMachine.error)),
    *((function, inspect.unwrap(function)) for function in (Fab.update_config, Fab.parse_cleanup)),
    *((function, inspect.unwrap(function)) for function in (Fab.print_help, Fab.print_task_help, Fab.list_flat)),
    (Fab._make_parser, inspect.unwrap(Fab._make_parser)),
    (CommandParser.parse_argv, Parser.parse_argv),
    (InvokeConfig._load_file, inspect.unwrap(InvokeConfig._load_file)),
]
# Attributes without documentation that this program reads or sets.
ATTRIBUTES: list[tuple[Callable[[], object], set[str]]] = [
    (SSHConfig, {"_config"}),
    (fabric.Config, {"base_ssh_config", "_user_ssh_path", "_system_ssh_path", "_runtime_ssh_path"}),
    (fabric.Config, {"_runtime_path", "_project_path", "_project_prefix", "_user_prefix", "_system_prefix"}),
    (lambda: paramiko.Channel(1), {"lock", "out_window_size", "out_max_packet_size", "status_event", "exit_status"}),
    (lambda: paramiko.Channel(1), {"eof_received", "closed"}),
    (lambda: transport(), {"packetizer", "clear_to_send", "initial_kex_done", "remote_version"}),
    (lambda: paramiko.Transport, {"_kex_info", "_cipher_info", "_mac_info", "_key_info", "_preferred_kex"}),
    (lambda: paramiko.Transport, {"_preferred_ciphers", "_preferred_macs", "_preferred_keys"}),
    (lambda: transport().packetizer, {"complete_handshake"}),
    (lambda: paramiko.RSAKey.generate(1024), {"public_blob"}),
    (lambda: ParseMachine(None, {}, False), {"flag", "context", "contexts", "initial", "waiting_for_flag_value"}),  # type: ignore[arg-type]
    (lambda: ParseMachine(None, {}, False), {"result"}),  # type: ignore[arg-type]
    (lambda: ParseMachine(None, {}, False).result, {"unparsed"}),  # type: ignore[arg-type]
    (lambda: Argument(name="x"), {"_value", "raw_value", "got_value", "names", "attr_name"}),
    (lambda: ParserContext(), {"args", "flags", "inverse_flags"}),
]
# Texts of errors by which `connection` recognizes them, and the functions that raise them.
MESSAGES = [
    ("No authentication methods", paramiko.SSHClient._auth),  # type: ignore[attr-defined]
    ("No existing session", paramiko.Transport.auth_publickey),
    ("Timeout opening channel", paramiko.Transport.open_channel),
]


def transport() -> paramiko.Transport:
    """Return a transport that is not connected."""
    return FastTransport(mock.Mock())


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_patched_signature_is_as_expected(function: Callable[..., Any]) -> None:
    found = str(inspect.signature(function)).replace("Optional[bool]", "bool | None")  # as Python 3.14 writes it
    assert found == SIGNATURES[function]


@pytest.mark.parametrize(("own", "original"), REPLACED, ids=lambda function: function.__qualname__)
def test_patch_takes_the_same_parameters(own: Callable[..., Any], original: Callable[..., Any]) -> None:
    assert own is not original
    parameters = inspect.signature(own, follow_wrapped=False).parameters.values()
    expected = inspect.signature(original).parameters.values()
    assert [(each.name, each.default) for each in parameters] == [(each.name, each.default) for each in expected]


@pytest.mark.parametrize(("make", "names"), ATTRIBUTES)
def test_used_attributes_exist(make: Callable[[], object], names: set[str]) -> None:
    assert names - set(dir(make())) == set()


@pytest.mark.parametrize(("text", "function"), MESSAGES)
def test_error_messages_are_as_expected(text: str, function: Callable[..., Any]) -> None:
    assert f'SSHException("{text}' in inspect.getsource(function)


def test_settings_choose_the_executor() -> None:
    assert "self.config.tasks.executor_class" in inspect.getsource(Program.execute)
    assert issubclass(CommandExecutor, Executor)


def test_index_takes_the_place_of_the_ssh_config() -> None:
    settings = fabric.Config(ssh_config=SSHConfig.from_text("Host a\n Port 3\n"))
    own = connection_settings(settings)
    assert isinstance(own.base_ssh_config, IndexedSSHConfig)
    assert own.clone().base_ssh_config.lookup("a")["port"] == "3"


def test_gcm_ciphers_come_first() -> None:
    ciphers = transport().get_security_options().ciphers
    assert ["gcm" in name for name in ciphers] == sorted(("gcm" in name for name in ciphers), reverse=True)
    assert "gcm" in ciphers[0]


def test_private_parts_are_used_in_patches_alone() -> None:
    """An attribute with an underscore belongs to `self`, or a class of ours defines it."""
    trees = {path: ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}
    own = {"_exit", "_replace"}  # documented, in `os` and in named tuples
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("self.") and is_stored(node):
                own.add(node.attr)
    wrong = []
    for path, tree in trees.items():
        if path.name.endswith("_patches.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
                is_ours = node.attr in own or ast.unparse(node) == f"self.{node.attr}"
                if not is_ours:
                    wrong.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def is_stored(node: ast.Attribute) -> bool:
    """Return whether the attribute is assigned here."""
    return isinstance(node.ctx, ast.Store)


def test_options_keep_their_own_value() -> None:
    (option,) = [Option(each) for each in OPTIONS if each.name == "parallel"]
    assert option.value is None, "its default would hide that of a settings file"
    option.set_value("3")
    assert option.value == 3


def test_copied_option_has_its_own_value() -> None:
    option = Option(next(each for each in OPTIONS if each.is_repeatable))
    option.value = "first"
    copied = copy.deepcopy(option)
    copied.value = "second"
    assert (option.value, copied.value) == (["first"], ["first", "second"])


DEFERRED = """
import sys
import fabfile.__main__
assert not {"asyncio", "importlib.metadata", "invoke.vendor.yaml", "unittest.mock"} & set(sys.modules)
import importlib.metadata, unittest.mock
import invoke, paramiko
assert paramiko.__version__ == importlib.metadata.version("paramiko")
context = invoke.MockContext(run=invoke.Result("done"))
assert context.run("x").stdout == "done" and isinstance(context.run, unittest.mock.Mock)
assert invoke.util.yaml.safe_load("a: [1]") == {"a": [1]}
assert isinstance(sys.modules["importlib.metadata"].version("paramiko"), str)
"""


def test_deferred_modules_work_when_used() -> None:
    done = subprocess.run([sys.executable, "-c", DEFERRED], cwd=ROOT.parent, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

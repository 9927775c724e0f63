"""The config of `example/`, loaded."""

from rr_config import Options, load
from tests.support.checkout import ROOT


def test_example_runs_on_localhost_alone() -> None:
    config = load(Options(config_file=str(ROOT / "example/config.py")))
    assert config.all_hosts() == {"localhost"}
    assert len(list(config.all_components())) == 2


def test_example_takes_hosts_and_muddler() -> None:
    example = ROOT / "example"
    options = Options(
        config_file=str(example / "config.py"),
        arg_parser=str(example / "extra_args_parser.py"),
        extra_args="--hosts h1,h2,localhost",
        muddler=[str(example / "arg_muddler.py")],
    )
    config = load(options)
    assert config.all_hosts() == {"h1", "h2", "localhost"}
    assert len(list(config.all_components())) == 6
    assert {component.args[-1] for component in config.all_components()} == {"muddled"}

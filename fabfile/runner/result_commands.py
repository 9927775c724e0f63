"""`ResultCommands`: collect the results of components, and report on them."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs

from rr_config.config import by_host
from rr_config.errors import os_reason
from rr_config.files.local_files import expected_files

from ..components.output.logs import Selection
from ..components.status import State, Status
from ..remote.host import Host
from ..results.collect import Collected, HostResults, bring, latest, make_ready, new_folder
from ..transfer.tree import Trees
from ..util.files import link_latest
from ..util.stages import Failure, StageError, in_order
from . import follow
from .inspector import Inspector
from .observer import Observer


@contextlib.contextmanager
def _written_here(failed: Sequence[Failure]) -> Iterator[None]:
    """Report an error of the local file system as a failure beside those of hosts."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename}: {os_reason(error).lower()}"
        raise StageError("collect", [*failed, Failure("localhost", reason)]) from error


@attrs.define
class ResultCommands(Inspector):
    """Collects the output and the results of all components into local folders, and reports on them."""

    def collect(self, to: str | Path) -> Collected:
        """Copy output and `results` of all components into a new folder below `to`, with a `run.json`.

        The name of the folder is the time. The link `latest` leads to it. A file that has not changed since the last
        collection becomes a hard link to it. Raise StageError with all failures after the rest has been written, also
        for a measure that cannot be read. Raise OSError, before any host is asked, if the folder cannot be created.
        """
        from ..results.run_json import write

        make_ready(Path(to))
        statuses = self.status(with_origins=True)
        with _written_here([]):
            earlier, folder = latest(Path(to)), new_folder(Path(to), self.clock.now())
        collected = self.collect_into(folder, earlier, statuses)
        with _written_here(collected.failures):
            write(folder, collected.run)
        link_latest(Path(to), folder)
        self.observer.collected(folder)
        if collected.failures:
            raise StageError("collect", collected.failures, collected.failed_hosts)
        return collected

    def collect_into(self, folder: Path, earlier: Path | None, statuses: Sequence[Status]) -> Collected:
        """Copy output and `results` into an existing folder; return them with the content of `run.json`.

        Hard-link files that are unchanged since `earlier`, the folder of another collection. Raise StageError if this
        machine cannot write. Other failures are in the result.
        """
        from ..results.measures import failures_of, is_measured_alone, measured
        from ..results.run_json import describe_run

        wanted = by_host(self.config.all_components())
        found_here = Trees(expected_files)
        trees = {host: found_here.of(own) for host, own in wanted.items()}

        def work(host: Host) -> HostResults:
            progress = partial(self.observer.progress, "collect", host.name)
            return bring(host, self.session, wanted[host.name], trees[host.name], folder, earlier, progress)

        def failures(_: str, results: HostResults) -> list[Failure]:
            found = []
            for component, reason in results.problems:
                if not is_measured_alone(component, reason):
                    found.append(Failure(f"{component.label}.results", reason))
            return found

        stages = [each for each in self._fleet.stages if each.stage not in ("status", "collect")]
        gathered = self._fleet.gather("collect", work, failures)
        values = {}
        for component in itertools.chain.from_iterable(wanted[host] for host in gathered.results):
            values[component.label] = measured(component, folder)
        failures_found = in_order([*gathered.failures, *failures_of(values)])
        with _written_here(failures_found):
            run = describe_run(
                self.options, self.config, self.session, statuses, self.clock.now(), stages, gathered.results, values
            )
        return Collected(folder, gathered.results, run, failures_found, gathered.failed)

    def report(self, to: str | Path, overwrite: bool = False) -> None:
        """Write an HTML page about all components, from the current state of the hosts, to the file `to`.

        Raise ConfigError if the file exists and is not a report, unless `overwrite`. Raise StageError with the failed
        hosts after the page is written. Needs the extra `report`.
        """
        from ..reporting import report
        from ..reporting.history import histories
        from ..reporting.samples import read_samples
        from ..results.run_json import describe_run

        to = report.target(str(to), overwrite)
        statuses = self.status(with_origins=True)
        run = describe_run(self.options, self.config, self.session, statuses, self.clock.now())
        tails = follow.LogTails(report.LINES)
        failed: StageError | None = None
        with tempfile.TemporaryDirectory() as folder:
            failures = self._bring_samples(Path(folder), statuses)
            samples = read_samples(histories(run), Path(folder))
        try:
            self.logs(Selection(lines=report.LINES), tails)
        except StageError as error:
            failed = error
        outputs = {label: report.log_tail(output) for label, output in tails.outputs().items()}
        report.write(to, run, outputs, samples=samples)
        if failed or failures:
            raise failed or StageError("report", failures)

    def _bring_samples(self, folder: Path, statuses: Sequence[Status]) -> Sequence[Failure]:
        """Bring the samples of hosts that have answered; return the failures."""
        from ..results.usage import bring_samples

        wanted = by_host(self.config.all_components())
        hosts = {status.component.host for status in statuses if status.state != State.UNKNOWN}
        fleet = attrs.evolve(self._fleet, observer=Observer())

        def work(host: Host) -> None:
            bring_samples(host, self.session, wanted[host.name], folder)

        return fleet.gather("report", work, hosts=sorted(hosts)).failures

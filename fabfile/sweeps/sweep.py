"""`Sweep`: run a config for every combination of parameters, several times, and collect each run in its own folder.

After any interruption, the same sweep goes on with the first run that is not done. Nothing here prints.
"""

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import attrs
from fabric import Config as Settings

from rr_config import Component, Config, ConfigError, Options, load
from rr_config.command_line.options import check_seconds
from rr_config.command_line.parameters import Text
from rr_config.errors import named, os_reason
from rr_config.files.paths import local_path

from ..results.provenance import JsonObject
from ..results.run_json import describe_run
from ..runner import Runner
from ..runner.fleet import UnreadSettings
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.stages import Failure, StageError, TimeLimitExceeded
from . import inputs
from .cells import Cell, Run, canonical, cells, check_names, in_order
from .inputs import digest_of
from .observer import SweepObserver
from .store import FAILED, FILE, SUCCEEDED, Left, Outcome, Record, Store, Version, measures_in, opened
from .table import Row, rows

FOLDER = "sweeps"
BEFORE_START = ("connect", "kill", "screen", "sync")  # stages; no component of the run has started before their end


@attrs.frozen
class Result:
    """A run of a sweep, and its outcome. The outcome is None if the run is still to come."""

    run: Run
    outcome: Outcome | None


@attrs.define(kw_only=True)
class Sweep:
    """Runs a config for each combination of the values in `over`, `repeats` times.

    `over` holds texts `NAME=VALUE,VALUE` or paths of CSV files; see `cells`. `to` is the folder of the sweep, by
    default `sweeps/` and the name of the config. `seed` decides the order of the runs. By default it is that of the
    earlier command, or random.

    A run that failed ends the sweep, unless `options.keep_going`. `retry_failed` repeats runs that failed earlier. With
    `mixed`, the config and its files may differ from those of earlier runs. `time_limit` is for each run, in seconds.

        >>> sweep = Sweep(options=Options(config_file="cfg.py"), over=["clients=1,2"], repeats=5)
        >>> str(sweep.folder)
        'sweeps/cfg'
    """

    options: Options
    over: Sequence[str] = ()
    repeats: int = 1
    to: str | Path | None = None
    seed: int | None = None
    retry_failed: bool = False
    mixed: bool = False
    time_limit: float | None = None
    settings: Settings = attrs.field(factory=UnreadSettings, repr=False)
    observer: SweepObserver = attrs.field(factory=SweepObserver, repr=False)
    clock: Clock = attrs.field(default=SYSTEM_CLOCK, repr=False)
    _configs: dict[str, Config] = attrs.field(init=False, factory=dict, repr=False)  # by the name of the cell
    _inputs: inputs.Inputs = attrs.field(init=False, factory=dict, repr=False)
    _digests: dict[str, str] = attrs.field(init=False, factory=dict, repr=False)  # of inputs, by the name of the cell

    def __attrs_post_init__(self) -> None:
        if isinstance(self.over, str):
            raise ConfigError(f"over={self.over!r}: must be a list of texts")
        for name, number, least in (("repeats", self.repeats, 1), ("seed", self.seed, 0)):
            if number is not None and (not isinstance(number, int) or number < least):
                raise ConfigError(f"--{name} {number}: must be a whole number from {least}")
        if self.time_limit is not None:
            check_seconds("time-limit", self.time_limit, least=1)

    @property
    def folder(self) -> Path:
        """The folder of the sweep."""
        if self.to is not None:
            return local_path(self.to)
        return Path(FOLDER) / Path(self.options.config_file or "").stem

    def run(self) -> list[Result]:
        """Carry out all runs that are not done; return all runs with their outcomes, in the order of the sweep.

        First load the config for each cell. Raise ConfigError, before any host is touched, if one is invalid, if inputs
        or options have changed since earlier runs, or if the folder cannot be used. A failed run raises no error. Raise
        StageError if an input changes between runs, or if this machine cannot write the results. The next call then
        repeats the interrupted run.
        """
        every = self._load_cells()
        with opened(self.folder) as store:
            record = self._checked_record(store, every)
            runs = in_order(every, self.repeats, record.seed)
            results = {run: store.outcome(run) for run in runs}
            self.observer.begins_sweep(self.folder, results, record.seed)
            try:
                self._carry_out(store, results)
            except OSError as error:
                problem = f"{error.filename or self.folder}: {os_reason(error).lower()}"
                raise StageError("collect", [Failure("localhost", problem)]) from error
            return [Result(run, outcome) for run, outcome in results.items()]

    def table(self) -> list[Row]:
        """Return a row for each run that is done: parameters, repeat, verdict, seconds, and measures.

        `pandas.DataFrame(sweep.table())` makes a data frame of it. Touch no host.
        """
        return rows(self.folder)

    def _load_cells(self) -> list[Cell]:
        """Load the config for each cell. Return the cells with the values that the config has parsed."""
        given, loaded = cells(self.over), []
        for cell in given:
            try:
                loaded.append(load(self._options_of(cell)))
            except ConfigError as error:
                raise ConfigError(*(f"{cell}: {problem}" for problem in error.problems)) from error
        for config in loaded:
            check_names(given[0].values, config)
        every = canonical(given, [config.parameters for config in loaded])
        self._configs = {cell.name: config for cell, config in zip(every, loaded, strict=True)}
        return every

    def _options_of(self, cell: Cell) -> Options:
        """Return the options of `run` for a cell. Within a run, no host may fail."""
        both = [name for name in cell.values if name in self.options.params]
        if both:
            raise ConfigError(f"--set {both[0]}: is also in --over; use only one of them")
        params = {**self.options.params, **{name: Text(value) for name, value in cell.values.items()}}
        return attrs.evolve(
            self.options, params=params, command="run", kill_first=True, keep_going=False, max_failures=0
        )

    def _checked_record(self, store: Store, every: Sequence[Cell]) -> Record:
        """Return the record of the sweep, after writing it. Raise ConfigError if inputs of runs have changed."""
        known = store.record()
        before = known.versions[-1].inputs if known else {}
        self._inputs = inputs.inputs_of(self.options, self._configs.values(), before)
        self._digests = {cell.name: digest_of(self._inputs_of(cell)) for cell in every}
        options, now = inputs.compared_options(self.options), self.clock.now()
        if known is None:
            seed = random.SystemRandom().randrange(1_000_000) if self.seed is None else self.seed
            record = Record(seed, options, [Version(now, self._inputs)])
        else:
            outdated, changed = self._outdated(store, every, known)
            for name, value in options.items():
                if known.options.get(name) != value:
                    changed.append(f"{name}: {known.options.get(name)!r} before, {value!r} now")
            self._refuse(changed)
            is_new = digest_of(before) != digest_of(self._inputs)
            versions = [*known.versions, *([Version(now, self._inputs)] if is_new else [])]
            seed = known.seed if self.seed is None else self.seed
            record = Record(seed, options, versions, [*known.accepted, *outdated])
        with named(str(self.folder / FILE)):
            store.write_record(record)
        return record

    def _outdated(self, store: Store, every: Sequence[Cell], known: Record) -> tuple[set[str], list[str]]:
        """Return the digests of runs whose cells have other inputs now, and a text for each change."""
        outdated: set[str] = set()
        changed: dict[str, None] = {}
        for cell in every:
            found = {done.inputs for done in store.outcomes(cell)} - {self._digests[cell.name], *known.accepted}
            if found:
                outdated |= found
                changed |= dict.fromkeys(self._changes(cell, known.versions[-1].inputs))
        return outdated, list(changed)

    def _changes(self, cell: Cell, before: inputs.Inputs) -> list[str]:
        """Return a text for each input of a cell that differs. Call it only if the digests differ.

        If each input is as before, the cell sends fewer files.
        """
        return inputs.changes(before, self._inputs_of(cell)) or [f"{cell}: sends fewer files"]

    def _inputs_of(self, cell: Cell) -> inputs.Inputs:
        """Return the present inputs of a cell."""
        return inputs.inputs_of(self.options, [self._configs[cell.name]], self._inputs)

    def _refuse(self, changed: Sequence[str]) -> None:
        """Raise ConfigError if inputs have changed, unless that is accepted."""
        if changed and not self.mixed:
            hint = "use another folder with --to, or accept both versions with --mixed"
            raise ConfigError(*changed, f"{self.folder}: its runs would not be comparable; {hint}")

    def _carry_out(self, store: Store, results: dict[Run, Outcome | None]) -> None:
        """Carry out the runs that are due; enter their outcomes."""
        due = [run for run, outcome in results.items() if self._is_due(outcome)]
        left = current = store.left()
        try:
            for run in due:
                config = self._configs[run.cell.name]
                self._check_inputs(run.cell, left)
                current = Left(self.options.session_of(config), sorted(config.all_hosts()))
                left = self._ended(left, spared=current)
                store.set_left(current.joined(left))
                outcome = results[run] = self._attempt(store, run, store.begin(run))
                if outcome.has_changed_hosts:
                    left = current.joined(left)
                store.set_left(left)
                if not (outcome.is_success or self.options.keep_going):
                    return
        except KeyboardInterrupt:
            self.observer.interrupts()
            self._ended(current.joined(left) if current else left)
            raise
        store.set_left(self._ended(left))

    def _check_inputs(self, cell: Cell, left: Left | None) -> None:
        """Raise StageError if inputs of a cell have changed since the command began. End the last session first."""
        if digest_of(self._inputs_of(cell)) == self._digests[cell.name]:
            return
        self._ended(left)
        hint = "undo that, use another folder with --to, or accept it with --mixed"
        failures = [
            Failure("localhost", f"{text} since the command began; {hint}")
            for text in self._changes(cell, self._inputs)
        ]
        raise StageError("inputs", failures)

    def _is_due(self, outcome: Outcome | None) -> bool:
        return outcome is None or (self.retry_failed and not outcome.is_success)

    def _ended(self, left: Left | None, spared: Left | None = None) -> Left | None:
        """End a session, except on the hosts of the following run, `spared`. That run ends it there.

        Return the session with the hosts on which it may still run, or None.
        """
        if left is None:
            return None
        kept = [host for host in left.hosts if spared and spared.session == left.session and host in spared.hosts]
        hosts = [host for host in left.hosts if host not in kept]
        if hosts:
            config = Config(Component(name="sweep", executable="sweep", host=host, start_index=0) for host in hosts)
            options = attrs.evolve(self.options, screen=left.session, on_exit=None, terminate=False)
            with self._runner(config, options) as runner:
                try:
                    runner.kill()
                except StageError as error:
                    self.observer.cannot_end(error)
                    kept += sorted(error.hosts)
        return Left(left.session, kept) if kept else None

    def _attempt(self, store: Store, run: Run, folder: Path) -> Outcome:
        """Carry out one run; return its outcome, which is then in its `run.json`."""
        self.observer.begins_run(run)
        seconds, failures, values = self._run_and_collect(run, folder)
        digest = self._digests[run.cell.name]
        if digest_of(self._inputs_of(run.cell)) != digest:
            for text in self._changes(run.cell, self._inputs):
                failures.append(Failure("localhost", f"{text} during the run", stage="inputs"))
        verdict = FAILED if failures else SUCCEEDED
        outcome = Outcome(verdict, seconds, failures, measures_in(values), digest)
        store.finish(run, outcome, values)
        self.observer.ends_run(run, outcome)
        return outcome

    def _run_and_collect(self, run: Run, folder: Path) -> tuple[float, list[Failure], JsonObject]:
        """Carry out one run, and collect its files; return its seconds, its failures, and the content of `run.json`."""
        began = self.clock.monotonic()
        config, options = self._configs[run.cell.name], self._options_of(run.cell)
        failures: list[Failure] = []
        with contextlib.ExitStack() as stack:
            runner = first = stack.enter_context(self._runner(config, options))
            try:
                runner.run(time_limit=self.time_limit)
            except StageError as error:
                failures += [each._replace(stage=each.stage or error.stage) for each in error.failures]
            except TimeLimitExceeded:
                failures.append(Failure("run", f"did not end within {self.time_limit:g} s", stage="time limit"))
                runner.close()
                runner = stack.enter_context(self._runner(config, options))
            seconds = round(self.clock.monotonic() - began, 3)
            if all(each.stage in BEFORE_START for each in first.stages):
                values = describe_run(runner.options, config, runner.session, [], self.clock.now())
                return seconds, failures, values
            collected = runner.collect_into(folder, None, runner.status(with_origins=True))
            failures += [each._replace(stage="collect") for each in collected.failures]
            return seconds, failures, collected.run

    def _runner(self, config: Config, options: Options) -> Runner:
        return Runner(config, options, self.settings, self.observer.of_run(), self.clock)

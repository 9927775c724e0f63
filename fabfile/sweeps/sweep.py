"""`Sweep`: run a config for every combination of parameters, several times, and collect each run in its own folder.

Whatever stops a sweep, the same sweep goes on with the first run that is not done. Nothing here prints.
"""

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import attrs
from fabric import Config as Settings

from rr_config import Config, ConfigError, Options, load
from rr_config.command_line.options import check_seconds
from rr_config.command_line.parameters import Text
from rr_config.errors import named, os_reason
from rr_config.files.paths import local_path

from ..results.provenance import JsonObject, provenance
from ..runner import Runner
from ..runner.fleet import UnreadSettings
from ..util.clock import SYSTEM_CLOCK, Clock
from ..util.stages import Failure, StageError, TimeLimitExceeded
from . import inputs
from .cells import Cell, Run, canonical, cells, in_order
from .observer import SweepObserver
from .store import FAILED, FILE, SUCCEEDED, Outcome, Record, Store, Version, measures_in, opened
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

    def __attrs_post_init__(self) -> None:
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

        First load the config for each cell. Raise ConfigError if one is invalid, or if inputs have changed since
        earlier runs. No host is touched then. A failed run raises no error. Raise StageError if this machine cannot
        write the results. The interrupted run is then repeated, as after Ctrl-C.
        """
        every = self._load_cells()
        with opened(self.folder) as store:
            record = self._checked_record(store)
            runs = in_order(every, self.repeats, record.seed)
            results = {run: store.outcome(run) for run in runs}
            self.observer.begins_sweep(self.folder, results, record.seed)
            try:
                self._carry_out(store, results, store.running(every))
            except OSError as error:
                problem = f"{error.filename}: {os_reason(error).lower()}"
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

    def _checked_record(self, store: Store) -> Record:
        """Return the record of the sweep, after writing it. Raise ConfigError if inputs have changed."""
        known = store.record()
        before = known.versions[-1].inputs if known else {}
        self._inputs = inputs.inputs_of(self.options, self._configs.values(), before)
        options = inputs.compared_options(self.options)
        if known is None:
            seed = random.SystemRandom().randrange(1_000_000) if self.seed is None else self.seed
            record = Record(seed, options, [Version(self.clock.now(), self._inputs)])
        else:
            changed = inputs.changes(before, self._inputs)
            for name, value in options.items():
                if known.options.get(name) != value:
                    changed.append(f"{name}: {known.options.get(name)!r} before, {value!r} now")
            self._refuse(changed)
            new = [Version(self.clock.now(), self._inputs)] if changed else []
            record = Record(known.seed if self.seed is None else self.seed, options, [*known.versions, *new])
        with named(str(self.folder / FILE)):
            store.write_record(record)
        return record

    def _refuse(self, changed: Sequence[str]) -> None:
        """Raise ConfigError if inputs have changed, unless that is accepted."""
        if changed and not self.mixed:
            hint = "use another folder with --to, or accept both versions with --mixed"
            raise ConfigError(*changed, f"{self.folder}: its runs would not be comparable; {hint}")

    def _carry_out(self, store: Store, results: dict[Run, Outcome | None], left: Cell | None) -> None:
        """Carry out the runs that are due; enter their outcomes. `left` is a cell whose components may still run."""
        due = [run for run, outcome in results.items() if self._is_due(outcome)]
        running = current = left
        try:
            for run in due:
                current = run.cell
                self._check_inputs(current)
                self._end_sessions(running, current)
                store.set_running(current)
                outcome = results[run] = self._attempt(store, run, store.begin(run))
                if outcome.has_changed_hosts:
                    running = current
                store.set_running(running)
                if not (outcome.is_success or self.options.keep_going):
                    return
        except KeyboardInterrupt:
            self.observer.interrupts()
            self._end_sessions(current, None)
            self._end_sessions(running, current)
            raise
        self._end_sessions(running, None)
        store.set_running(None)

    def _is_due(self, outcome: Outcome | None) -> bool:
        return outcome is None or (self.retry_failed and not outcome.is_success)

    def _check_inputs(self, cell: Cell) -> None:
        """Raise ConfigError if a file has changed since the sweep began: then its runs are not comparable."""
        now = inputs.inputs_of(self.options, [self._configs[cell.name]], self._inputs)
        self._refuse(inputs.changes(self._inputs, now, is_part=True))

    def _end_sessions(self, running: Cell | None, following: Cell | None) -> None:
        """End the sessions of a run on the hosts that the following run does not use. It ends the others itself."""
        config = self._config_of(running)
        spared = self._config_of(following).all_hosts()
        config = config.with_components(each for each in config.all_components() if each.host not in spared)
        if not config.all_components():
            return
        with self._runner(config, self.options) as runner:
            try:
                runner.kill()
            except StageError as error:
                self.observer.cannot_end(error)

    def _config_of(self, cell: Cell | None) -> Config:
        return self._configs[cell.name] if cell else Config()

    def _attempt(self, store: Store, run: Run, folder: Path) -> Outcome:
        """Carry out one run; return its outcome, which is then in its `run.json`."""
        self.observer.begins_run(run)
        began = self.clock.monotonic()
        config, options = self._configs[run.cell.name], self._options_of(run.cell)
        failures: list[Failure] = []
        with contextlib.ExitStack() as stack:
            runner = stack.enter_context(self._runner(config, options))
            has_started = True
            try:
                runner.run(time_limit=self.time_limit)
            except StageError as error:
                failures += [each._replace(stage=each.stage or error.stage) for each in error.failures]
                has_started = error.stage not in BEFORE_START
            except TimeLimitExceeded:
                failures.append(Failure("run", f"did not end within {self.time_limit:g} s", stage="time limit"))
                runner.close()
                runner = stack.enter_context(self._runner(config, options))
            seconds = round(self.clock.monotonic() - began, 3)
            values: JsonObject = {**provenance(runner.options, config.parameters), "components": []}
            if has_started:
                collected = runner.collect_into(folder, None, runner.status(with_origins=True))
                failures += [each._replace(stage="collect") for each in collected.failures]
                values = collected.run
        verdict = FAILED if failures else SUCCEEDED
        outcome = Outcome(verdict, seconds, failures, measures_in(values))
        own = {"inputs": inputs.digest_of(self._inputs)}
        store.finish(run, outcome, {**values, "sweep": own})
        self.observer.ends_run(run, outcome)
        return outcome

    def _runner(self, config: Config, options: Options) -> Runner:
        return Runner(config, options, self.settings, self.observer.of_run(), self.clock)

#!/usr/bin/env python3
"""Run a test script over the programs of this harness and of slave harnesses, which connect to it.

    master.py --script FILE --port PORT --slaves NAMES --test ID --logs FOLDER
              [--debug FOLDER] [--timeout SECONDS] -- PROGRAMS

NAMES are the names of the slaves, separated by commas. All of them must connect within --timeout. PROGRAMS and the
folders are as for slave.py. The language of test scripts is described in script.py.

The exit code is 0 if the test passes, 1 if it fails, and 2 if the script or an option is invalid. At exit, no program
is running any more. Requires Python 3.8 or later, without other packages.
"""

import argparse
import asyncio
import contextlib
import itertools
import time

import script
import wire
from program import Failed, say
from programs import SECONDS_AFTER_SIGNAL, Programs, cancel, end_all, every, folder, leave, parse, read_programs, set_up

PIECE = 1 << 16  # characters of a fed file in one message
LONGEST_LINE = 1 << 20  # characters in a line of a fed file
PATIENCE = 15.0  # seconds to wait for a slave's answer beyond the time limit of a step


class Slave:
    """A connected slave harness."""

    def __init__(self, name, programs, writer):
        self.name, self.programs, self.writer = name, programs, writer
        self.answers = {}
        self.is_gone = asyncio.Event()

    async def obey(self, verb, names, taken):
        """Let the slave execute a step for those of the programs `names` that it has.

        Raises Failed if the step fails or the slave does not answer in time.
        """
        own = [name for name in names if name in self.programs]
        if self.is_gone.is_set() or (not own and verb != "shutdown"):
            return  # losing a slave has already failed the test
        number = len(self.answers)
        self.answers[number] = asyncio.get_running_loop().create_future()
        await wire.send(self.writer, number=number, verb=verb, names=own, taken=taken)
        try:
            problem = await asyncio.wait_for(self.answers[number], taken.get("within", 0) + PATIENCE)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name}: timed out waiting for an answer") from None
        if problem:
            raise Failed(problem)

    def lose(self):
        """Note that the connection is closed, and fail all pending answers."""
        self.is_gone.set()
        for answer in self.answers.values():
            if not answer.done():
                answer.set_result(f"{self.name}: connection lost")


class Test:
    """One run of a script. The future `failure` gets the message of the first failure."""

    def __init__(self, options, commands, steps):
        self.options, self.steps = options, steps
        self.own = Programs(commands, options.logs, options.debug, self.has_ended)
        self.awaited = list(filter(None, options.slaves.split(",")))
        self.slaves = {}
        self.talks = []
        self.all_there = asyncio.Event()
        self.failure = asyncio.get_running_loop().create_future()
        self.expected = {}
        self.last_seconds = script.LONGEST_STOP
        if not self.awaited:
            self.all_there.set()

    @property
    def programs(self):
        """Return the names of all programs, with numbers in numerical order."""
        names = itertools.chain.from_iterable(slave.programs for slave in self.slaves.values())
        return [*self.own.by_name, *sorted(names, key=lambda name: (len(name), name))]

    def end_by(self, name):
        self.last_seconds = SECONDS_AFTER_SIGNAL
        self.fail(f"stopped by SIG{name}")

    def fail(self, words):
        if not self.failure.done():
            self.failure.set_result(words)

    def has_ended(self, program):
        self.was_told(program.name, program.status, program.is_stopped)

    def was_told(self, name, status, is_stopped):
        if not is_stopped and status not in self.expected.get(name, {0}):
            self.fail(f"{name}: ended with exit status {status}")

    def called(self, reader, writer):
        self.talks.append(asyncio.ensure_future(self.talk(reader, writer)))

    def is_awaited(self, hello):
        """Return whether `hello` is a valid greeting of a slave of this test that has not connected yet."""
        name, programs = hello.get("hello"), hello.get("programs")
        is_expected = hello.get("test") == self.options.test and name in self.awaited and name not in self.slaves
        has_names = isinstance(programs, list) and all(isinstance(each, str) for each in programs)
        return is_expected and has_names and isinstance(hello.get("now"), (int, float))

    async def talk(self, reader, writer):
        """Handle one connection until it closes. Refuse it unless it comes from a slave of this test."""
        hello = await wire.receive(reader) or {}
        name = hello.get("hello")
        if not self.is_awaited(hello):
            say(f"refused a connection from {name!r}: not a slave of this test")
            writer.close()
            return
        slave = self.slaves[name] = Slave(name, hello["programs"], writer)
        ahead = hello["now"] - time.time()
        say(f"{name} connected, with programs {','.join(slave.programs)}; its clock differs by {ahead:+.3f} s")
        self.talks.append(asyncio.ensure_future(wire.beat(writer)))
        if len(self.slaves) == len(self.awaited):
            self.all_there.set()
        while True:
            said = await wire.receive(reader)
            if said is None:
                slave.lose()
                self.fail(f"{name}: connection lost")
                break
            if "ended" in said:
                self.was_told(said["ended"], said["status"], said["is_stopped"])
            elif said.get("done") in slave.answers and not slave.answers[said["done"]].done():
                slave.answers[said["done"]].set_result(said["problem"])

    async def run(self):
        """Run the whole script. Return the message of the first failure, or None."""
        try:
            server = await wire.listen(self.called, self.options.port)
        except OSError as error:
            return f"--port {self.options.port}: cannot listen: {error.strerror}"
        try:
            problem = await self.at_most(self.gather(), self.options.timeout)
            if problem:
                return problem
            for step in self.steps:
                say(f"{step.where}: {step.text}")
                problem = await self.at_most(self.do(step))
                if problem:
                    return f"{step.where}: {step.text}: {problem}"
            return None
        finally:
            await self.end()
            server.close()

    async def at_most(self, work, timeout=None):
        """Run `work` until it is done, the test fails, or `timeout` seconds have passed.

        Return the result of `work` or the message of a failure.
        """
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self.failure}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        await cancel([task])
        if self.failure.done():
            return self.failure.result()
        if task.cancelled():
            missing = [name for name in self.awaited if name not in self.slaves]
            return f"--timeout {timeout:g}: timed out waiting for slaves: {', '.join(missing)}"
        try:
            return task.result()
        except Failed as error:
            return str(error)

    async def gather(self):
        await self.all_there.wait()
        try:
            script.check(self.steps, self.programs, str(self.options.script.parent))
        except script.ScriptError as error:
            raise Failed(str(error)) from None
        self.expected = script.expected(self.steps, self.programs)

    async def do(self, step):
        if step.verb == "wait":
            await asyncio.sleep(step.taken["seconds"])
            return
        taken = {name: value for name, value in step.taken.items() if name != "names"}
        names = script.chosen(step, self.programs)
        if step.verb == "feed":
            for lines in self.pieces(taken.pop("file")):
                await self.tell_all("send", names, {"lines": lines, **taken})
        elif step.verb == "send":
            await self.tell_all("send", names, {"lines": [taken.pop("text")], **taken})
        else:
            await self.tell_all(step.verb, names, taken)

    def pieces(self, file):
        """Yield the lines of a file beside the script, in lists of about PIECE characters."""
        lines, size = [], 0
        with (self.options.script.parent / file).open(encoding="utf-8", errors="surrogateescape", newline="\n") as text:
            for line in text:
                if len(line) > LONGEST_LINE:
                    raise Failed(f"{file}: line is too long ({len(line)} characters; at most {LONGEST_LINE})")
                lines.append(line.rstrip("\n"))
                size += len(line)
                if size > PIECE:
                    yield lines
                    lines, size = [], 0
        yield lines

    async def tell_all(self, verb, names, taken):
        await every(member.obey(verb, names, taken) for member in (self.own, *self.slaves.values()))

    async def end(self):
        """Stop all programs of master and slaves."""
        try:
            await self.tell_all("shutdown", self.programs, {"within": self.last_seconds})
        except Failed as error:
            self.fail(str(error))


async def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--script", required=True, type=folder)
    parser.add_argument("--slaves", required=True)
    options, rest = parse(parser)
    began = time.monotonic()
    try:
        commands = read_programs(rest)
        steps = script.parse(options.script.read_text("utf-8", "surrogateescape"), options.script.name)
    except (OSError, ValueError, script.ScriptError) as error:
        parser.error(str(error))
    test = Test(options, commands, steps)
    set_up(test.end_by)
    problem = await test.run()
    if problem is None and test.failure.done():
        problem = test.failure.result()
    for slave in test.slaves.values():
        await wire.send(slave.writer, passed=problem is None)
        with contextlib.suppress(asyncio.TimeoutError):  # a slave that hangs does not change the result
            await asyncio.wait_for(slave.is_gone.wait(), PATIENCE)
    await cancel(test.talks)
    end_all()
    say(f"FAILED: {problem}" if problem else f"PASSED: {len(steps)} steps in {time.monotonic() - began:.1f} s")
    leave(1 if problem else 0)


if __name__ == "__main__":
    asyncio.run(main())

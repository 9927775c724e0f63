#!/usr/bin/env python3
"""Runs a test script over the programs of this harness and of slave harnesses, which connect to it.

    master.py --script FILE --port PORT --slaves NAMES --test ID --logs FOLDER
              [--debug FOLDER] [--timeout SECONDS] -- PROGRAMS

NAMES are those of the slaves, with commas between them; all have to be there within --timeout. PROGRAMS, and what is
kept in the folders, as for slave.py; what the script language is, says script.py. Exits with 0 when the test has
passed, with 1 when it has failed, and 2 when the script is wrong; then no program runs on. Wants Python 3.8 or newer
and its standard library.
"""

import argparse
import asyncio
import contextlib
import itertools
import time

import script
import wire
from program import Failed, say
from programs import (
    SECONDS_AFTER_SIGNAL,
    Programs,
    cancel,
    end_all,
    every,
    folder,
    leave,
    parse,
    prepare,
    read_programs,
)

PIECE = 1 << 16  # of a file that is fed
LONGEST_LINE = 1 << 20  # in such a file
PATIENCE = 15.0  # beyond what a step may take, before a slave that says nothing is given up


class Slave:
    """A slave harness that has connected."""

    def __init__(self, name, programs, reader, writer):
        self.name = name
        self.programs = programs
        self.reader = reader
        self.writer = writer
        self.answers = {}
        self.is_gone = asyncio.Event()

    async def obey(self, verb, names, taken):
        """Let it carry a step out. Raises Failed."""
        own = [name for name in names if name in self.programs]
        if self.is_gone.is_set() or (not own and verb != "shutdown"):
            return  # that it is gone, has failed the test already
        number = len(self.answers)
        self.answers[number] = asyncio.get_running_loop().create_future()
        await wire.send(self.writer, number=number, verb=verb, names=own, taken=taken)
        try:
            problem = await asyncio.wait_for(self.answers[number], taken.get("within", 0) + PATIENCE)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name}: does not answer") from None
        if problem:
            raise Failed(problem)

    def lose(self):
        """The connection is over: nothing will be answered any more."""
        self.is_gone.set()
        for answer in self.answers.values():
            if not answer.done():
                answer.set_result(f"{self.name}: the connection to it is lost")


class Test:
    """A run of a script. `failure` is set to words as soon as something has gone wrong."""

    def __init__(self, options, commands, steps):
        self.options = options
        self.steps = steps
        self.own = Programs(commands, options.logs, options.debug, self.has_ended)
        self.awaited = [name for name in options.slaves.split(",") if name]
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
        """The names of all programs, sorted as people do."""
        names = itertools.chain.from_iterable(slave.programs for slave in self.slaves.values())
        return [*self.own.by_name, *sorted(names, key=lambda name: (len(name), name))]

    def end_by(self, name):
        self.last_seconds = SECONDS_AFTER_SIGNAL
        self.fail(f"ended by {name}")

    def fail(self, words):
        if not self.failure.done():
            self.failure.set_result(words)

    def has_ended(self, program):
        self.was_told(program.name, program.status, program.is_stopped)

    def was_told(self, name, status, is_stopped):
        if not is_stopped and status not in self.expected.get(name, {0}):
            self.fail(f"{name}: has ended with exit status {status}")

    def called(self, reader, writer):
        self.talks.append(asyncio.ensure_future(self.talk(reader, writer)))

    def is_awaited(self, hello):
        """Whether that is what a slave of this test says, which is not there yet."""
        name, programs = hello.get("hello"), hello.get("programs")
        return (
            hello.get("test") == self.options.test
            and name in self.awaited
            and name not in self.slaves
            and isinstance(programs, list)
            and all(isinstance(each, str) for each in programs)
            and isinstance(hello.get("now"), (int, float))
        )

    async def talk(self, reader, writer):
        """Talk with who has connected, if it is a slave of this test."""
        hello = await wire.receive(reader) or {}
        name = hello.get("hello")
        if not self.is_awaited(hello):
            say(f"somebody has connected that is no slave of this test: {name!r}")
            writer.close()
            return
        slave = self.slaves[name] = Slave(name, hello["programs"], reader, writer)
        say(
            "{} is there, with {}; its clock is {:+.3f} s ahead".format(
                name, ",".join(slave.programs), hello["now"] - time.time()
            )
        )
        self.talks.append(asyncio.ensure_future(wire.beat(writer)))
        if len(self.slaves) == len(self.awaited):
            self.all_there.set()
        while True:
            said = await wire.receive(reader)
            if said is None:
                slave.lose()
                self.fail(f"{name}: the connection to it is lost")
                break
            if "ended" in said:
                self.was_told(said["ended"], said["status"], said["is_stopped"])
            elif said.get("done") in slave.answers and not slave.answers[said["done"]].done():
                slave.answers[said["done"]].set_result(said["problem"])

    async def run(self):
        """The whole script; words of what went wrong, or None."""
        try:
            server = await wire.listen(self.called, self.options.port)
        except OSError as error:
            return f"port {self.options.port} cannot be listened on: {error.strerror}"
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
        """Do `work` until something goes wrong, which is the result."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task, self.failure}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        await cancel([task])
        if self.failure.done():
            return self.failure.result()
        if task.cancelled():
            missing = [name for name in self.awaited if name not in self.slaves]
            return f"within {timeout:g} s, these slaves have not come: {', '.join(missing)}"
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
        """The lines of a file beside the script, in lists of some."""
        lines, size = [], 0
        with (self.options.script.parent / file).open(encoding="utf-8", errors="surrogateescape", newline="\n") as text:
            for line in text:
                if len(line) > LONGEST_LINE:
                    raise Failed(f"{file}: has a line of {len(line)} characters; {LONGEST_LINE} are the most")
                lines.append(line.rstrip("\n"))
                size += len(line)
                if size > PIECE:
                    yield lines
                    lines, size = [], 0
        yield lines

    async def tell_all(self, verb, names, taken):
        await every(member.obey(verb, names, taken) for member in (self.own, *self.slaves.values()))

    async def end(self):
        """Stop all that runs, here and there."""
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
    prepare(test.end_by)
    problem = await test.run()
    if problem is None and test.failure.done():
        problem = test.failure.result()
    for slave in test.slaves.values():
        await wire.send(slave.writer, passed=problem is None)
        with contextlib.suppress(asyncio.TimeoutError):  # it hangs, which changes nothing any more
            await asyncio.wait_for(slave.is_gone.wait(), PATIENCE)
    await cancel(test.talks)
    end_all()
    took = time.monotonic() - began
    say(f"FAILED: {problem}" if problem else f"PASSED: {len(steps)} steps in {took:.1f} s")
    leave(1 if problem else 0)


if __name__ == "__main__":
    asyncio.run(main())

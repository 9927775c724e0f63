#!/usr/bin/env python3
"""Run programs as instructed by a master harness on another host.

    slave.py --name NAME --master HOST --port PORT --test ID --logs FOLDER
             [--debug FOLDER] [--timeout SECONDS] -- PROGRAMS

PROGRAMS is -n NAME -p EXECUTABLE -a COUNT ARGUMENT... for each program. Stdout and stderr are logged in
FOLDER/NAME.out and FOLDER/NAME.err, with the time in front of each line. With --debug, input is logged in
FOLDER/NAME.in.

The exit code is 0 if the test passes. It is 1 if the test fails or the connection to the master is lost. At exit, no
program is running any more. Requires Python 3.8 or later, without other packages.
"""

import argparse
import asyncio
import time

import wire
from program import Failed, say
from programs import SECONDS_AFTER_SIGNAL, Programs, cancel, end_all, leave, parse, read_programs, set_up

RETRY_SECONDS = 0.2
LONGEST_STOP = 10.0


async def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--name", required=True)
    parser.add_argument("--master", required=True)
    options, rest = parse(parser)
    try:
        commands = read_programs(rest)
    except ValueError as error:
        parser.error(str(error))
    stop = asyncio.Event()
    set_up(lambda _: stop.set())
    ended = asyncio.Queue()
    programs = Programs(commands, options.logs, options.debug, ended.put_nowait)
    work = asyncio.ensure_future(serve(options, programs, ended))
    await asyncio.wait({work, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    has_passed = work.done() and work.result()
    await cancel([work])
    try:
        within = SECONDS_AFTER_SIGNAL if stop.is_set() else LONGEST_STOP
        await programs.obey("shutdown", list(programs.by_name), {"within": within})
    except Failed as error:
        say(str(error))
    finally:
        end_all()
        leave(0 if has_passed else 1)


async def serve(options, programs, ended):
    """Execute the master's instructions until the test ends. Return whether it passed."""
    streams = await connected(options)
    if streams is None:
        return False
    reader, writer = streams
    await wire.send(writer, hello=options.name, test=options.test, programs=list(programs.by_name), now=time.time())
    tasks = {asyncio.ensure_future(tell(writer, ended)), asyncio.ensure_future(wire.beat(writer))}
    doing = set()
    try:
        while True:
            said = await wire.receive(reader)
            if said is None:
                say("master: connection lost")
                return False
            if "passed" in said:
                say("test " + ("passed" if said["passed"] else "failed"))
                return said["passed"]
            if said["verb"] == "shutdown":  # it interrupts all other steps
                await cancel(doing)
            task = asyncio.ensure_future(obey(writer, programs, said))
            doing.add(task)
            task.add_done_callback(doing.discard)
    finally:
        await cancel(tasks | doing)
        writer.close()


async def connected(options):
    """Return the reader and writer of a connection to the master, or None if the time is up."""
    deadline = time.monotonic() + options.timeout
    while True:
        try:
            return await wire.connect(options.master, options.port)
        except OSError as error:
            if time.monotonic() > deadline:
                say(f"master {options.master} port {options.port}: cannot connect: {error}")
                return None
            await asyncio.sleep(RETRY_SECONDS)


async def obey(writer, programs, said):
    problem = None
    try:
        await programs.obey(said["verb"], said["names"], said["taken"])
    except Failed as error:
        problem = str(error)
    await wire.send(writer, done=said["number"], problem=problem)


async def tell(writer, ended):
    """Report each program that ends to the master."""
    while True:
        program = await ended.get()
        await wire.send(writer, ended=program.name, status=program.status, is_stopped=program.is_stopped)


if __name__ == "__main__":
    asyncio.run(main())

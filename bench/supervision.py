"""What the supervision core costs, against bare pykka where pykka does the same.

Restarts are timed from the tell that crashes a child to the first answer of its replacement, alternating one by one
with bare pykka's start and first ask, each from rest: the supervisor has shown and logged the restart before pykka's
turn comes. The crash report goes to a real log file, as in production.
"""

import gc
import logging
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pykka

from actors.core.base import Actor
from actors.core.runtime import ThreadedRuntime
from actors.core.simulation import SimulatedRuntime
from actors.core.supervision import ChildSpec, CountChildren
from actors.core.system import System
from bench.line import line, percentile
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

BENCH = "supervision"
ROUNDS = 1000
MESSAGES = 20_000
ASKERS = 33
REST = 0.0005  # seconds in which the threads of one measurement come to rest before the next


class Echo(Actor):
    """Answers everything, and crashes when told to."""

    def receive(self, message: Any) -> Any:
        if message == "crash":
            raise ValueError("as asked")
        return message


class BareEcho(pykka.ThreadingActor):
    def on_receive(self, message: Any) -> Any:
        return message


class Ticker(Actor):
    """A job-like actor: a tick every 5 to 30 minutes, and 10 messages a tick."""

    def __init__(self, peers: list[str]) -> None:
        super().__init__()
        self._peers = peers

    def on_start(self) -> None:
        self._chance = self.system.runtime.random(self.name)
        self.after(self._chance.uniform(300, 1800), "tick")

    def receive(self, message: Any) -> None:
        if message == "tick":
            for _ in range(10):
                self.tell(self._chance.choice(self._peers), "word")
            self.after(self._chance.uniform(300, 1800), "tick")


def run() -> None:
    """All of it, in one process."""
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        handler = logging.FileHandler(file.name)
        root = logging.getLogger()
        root.addHandler(handler)
        logging.getLogger("pykka").setLevel(logging.WARNING)
        try:
            restarts(siblings=0)
            for number in (10, 100, 1000):
                restarts(siblings=number)
            rates()
            memory()
            for number in (100, 1000):
                start_and_stop(number)
            simulation_rate()
            simulated_day()
        finally:
            root.removeHandler(handler)
            handler.close()


def tree(system: System, number: int) -> Actor:
    flags = Flags(intensity=1_000_000, period=1)
    specs = tuple(ChildSpec(id=f"child{index}", start=Echo) for index in range(number))
    return system.start("root", lambda: Supervisor(flags, specs), timeout=None)


def restarts(siblings: int) -> None:
    """restart_p50, restart_p99: crash → the replacement answers; against bare pykka's start and first ask."""
    system = System(ThreadedRuntime())
    root = tree(system, siblings + 1)
    ours, bare = [], []
    for _ in range(ROUNDS if siblings == 0 else 300):
        ours.append(restart_once(system))
        system.ask("root", CountChildren(), timeout=5)  # answered after the report
        system.runtime.sleep(REST)
        bare.append(start_once())
        system.runtime.sleep(REST)
    system.stop_and_wait(root, None)
    p50, pykka_p50 = percentile(ours, 50), percentile(bare, 50)
    against = f"bare pykka's start and first ask: {pykka_p50 * 1e6:.0f} us"
    if siblings:
        line(BENCH, f"restart_p50_siblings_{siblings}", p50 * 1e3, "ms", against, p50 / pykka_p50)
    else:
        line(BENCH, "restart_p50", p50 * 1e3, "ms", against, p50 / pykka_p50)
        line(BENCH, "restart_p99", percentile(ours, 99) * 1e3, "ms")


def restart_once(system: System) -> float:
    present = system.directory.whereis("child0")
    assert present is not None
    began = time.perf_counter()
    system.tell("child0", "crash")
    assert system.directory.wait_for("child0", newer_than=present.generation, timeout=5) is not None
    assert system.ask("child0", 1, timeout=5) == 1
    return time.perf_counter() - began


def start_once() -> float:
    began = time.perf_counter()
    ref = BareEcho.start()
    assert ref.ask(1) == 1
    seconds = time.perf_counter() - began
    ref.stop()
    return seconds


def rates() -> None:
    """tell_rate, ask_rate and ask_rate_33 (so many threads asking one actor) through the real refs, and the same by
    name, each against bare pykka's; medians of alternating rounds."""
    system = System(ThreadedRuntime())

    class Roomy(Echo):
        mailbox_capacity = 10 * MESSAGES

    ours = system.start("echo", Roomy).actor_ref
    bare = BareEcho.start()

    def tells(tell: Callable[[int], object], ask: Callable[[int], object]) -> None:
        for _ in range(MESSAGES):
            tell(1)
        ask(1)

    def asks(ask: Callable[[int], object], number: int = MESSAGES // 4) -> None:
        for _ in range(number):
            ask(1)

    def asks_of_many(ask: Callable[[int], object]) -> None:
        each = MESSAGES // 4 // ASKERS
        in_threads(ASKERS, lambda: asks(ask, each))

    def by_name(message: int) -> object:
        return system.ask("echo", message, timeout=60)

    def by_ref(message: int) -> object:
        return ours.ask(message, timeout=60)

    def by_bare_ref(message: int) -> object:
        return bare.ask(message, timeout=60)

    def bare_tells() -> None:
        tells(bare.tell, by_bare_ref)

    compare("tell_rate", MESSAGES, lambda: tells(ours.tell, by_ref), bare_tells)
    compare("tell_rate_by_name", MESSAGES, lambda: tells(lambda one: system.tell("echo", one), by_name), bare_tells)
    compare("ask_rate", MESSAGES // 4, lambda: asks(by_ref), lambda: asks(by_bare_ref))
    compare("ask_rate_by_name", MESSAGES // 4, lambda: asks(by_name), lambda: asks(by_bare_ref))
    compare("ask_rate_33", MESSAGES // 4, lambda: asks_of_many(by_ref), lambda: asks_of_many(by_bare_ref))
    bare.stop()


def in_threads(number: int, work: Callable[[], None]) -> None:
    """Do it in so many threads at once, and wait for all."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def compare(metric: str, messages: int, ours: Callable[[], None], bare: Callable[[], None]) -> None:
    pairs = [(timed(ours), timed(bare)) for _ in range(7)]
    rate, bare_rate = (messages / median(seconds) for seconds in zip(*pairs, strict=True))
    line(BENCH, metric, rate, "1/s", f"bare pykka: {bare_rate:.0f}/s", rate / bare_rate)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def memory() -> None:
    """actor_kib: resident memory of each of 1,000 actors, with its thread."""
    system = System(ThreadedRuntime())
    gc.collect()
    before = resident_kib()
    root = tree(system, 1000)
    line(BENCH, "actor_kib", (resident_kib() - before) / 1000, "KiB")
    system.stop_and_wait(root, None)


def resident_kib() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1024


def start_and_stop(number: int) -> None:
    """Ordered start and stop of so many children, each also per child: linear if that stays the same."""
    starts, stops = [], []
    for _ in range(5):
        system = System(ThreadedRuntime())
        began = time.perf_counter()
        root = tree(system, number)
        started = time.perf_counter()
        system.stop_and_wait(root, None)
        starts.append(started - began)
        stops.append(time.perf_counter() - started)
    line(BENCH, f"start_{number}", median(starts) * 1e3, "ms")
    line(BENCH, f"start_{number}_each", median(starts) / number * 1e6, "us")
    line(BENCH, f"stop_{number}", median(stops) * 1e3, "ms")
    line(BENCH, f"stop_{number}_each", median(stops) / number * 1e6, "us")


def simulation_rate() -> None:
    """sim_messages_rate: asks between a main thread and an actor; two messages each."""
    runtime = SimulatedRuntime(seed=1)
    system = System(runtime)
    system.start("echo", Echo)

    def asks() -> None:
        for _ in range(2000):
            system.ask("echo", 1, timeout=60)

    line(BENCH, "sim_messages_rate", 4000 / median(timed(asks) for _ in range(5)), "1/s")
    runtime.close()


def simulated_day() -> None:
    """sim_day_seconds: a day of 30 job-like actors under a supervisor."""
    line(BENCH, "sim_day_seconds", median(timed(lambda: a_day(SimulatedRuntime(seed=1))) for _ in range(3)), "s")


def a_day(runtime: SimulatedRuntime) -> None:
    system = System(runtime)
    names = [f"job{index}" for index in range(30)]
    specs = tuple(ChildSpec(id=name, start=lambda: Ticker(names)) for name in names)
    system.start("jobs", lambda: Supervisor(Flags(), specs), timeout=None)
    runtime.sleep(86_400)
    runtime.close()

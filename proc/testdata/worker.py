#!/usr/bin/env python3
"""A worker for a pool of processes of Hem, in Python 3.8 or later.

The first part is a library for workers and can be copied as it is; it needs
nothing but Python's own. The second part is the tasks that Hem's tests run.
docs/worker-protocol.md says what is said between host and worker, and why.

    def square(call, n):
        call.check()               # raises if the caller has gone
        call.report(1, 2, "half way")
        return n * n

    serve({"square": square})

The host starts it:

    proc.New(proc.Config{Command: []string{"python3", "worker.py"}})

A task is a function of a Call and an input, and returns an output: what the
module json makes of the payload and accepts for one, or bytes. An exception
that is a TaskError is the task's failure. Any other is a bug, which the host
sees as a panic with the traceback. SystemExit ends the call, not the worker.
"""

import base64
import datetime
import json
import os
import platform
import queue
import signal
import struct
import sys
import threading
import time
import traceback

# ---------------------------------------------------------------- frames

HELLO, WELCOME, CALL, CANCEL, PROGRESS, RESULT, FAILURE = range(1, 8)

VERSION = 1
HEADER = struct.Struct("<2sBBIQI")  # magic, version, kind, length, call, CRC32C of the body
CHECKSUM = struct.Struct("<I")      # CRC32C of those
REQUEST = struct.Struct("<qBBHHH")  # deadline, flags, lengths of four names
NUMBERS = struct.Struct("<qq")      # done, total
WATCHED = 1                         # of a request's flags

ROOM = 4 << 20      # how much longer than the largest payload a body may be
GREETING = 1 << 20  # how long a hello or a welcome may be


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    """CRC32C, some 0.1 s for a MiB. Large payloads deserve a library in C."""
    table, crc = CRC32C, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class ProtocolError(Exception):
    """What was read is not what this protocol says."""


def pack(kind, call, body):
    header = HEADER.pack(b"Hm", VERSION, kind, len(body), call, crc32c(body))
    return header + CHECKSUM.pack(crc32c(header)) + body


def unpack(stream, limit):
    """Read (kind, call, body), or None where the stream ends."""
    header = stream.read(HEADER.size)
    if not header:
        return None
    if header[:2] != b"Hm":
        raise ProtocolError("not a frame: begins with %r" % header[:64])
    if header[2:3] != bytes([VERSION]):
        raise ProtocolError("the host speaks another version than %d: %r" % (VERSION, header[:3]))
    check = stream.read(CHECKSUM.size)
    if len(header) < HEADER.size or len(check) < CHECKSUM.size:
        raise ProtocolError("the stream ends within a header")
    if CHECKSUM.unpack(check)[0] != crc32c(header):
        raise ProtocolError("damaged header")
    _, _, kind, length, call, said = HEADER.unpack(header)
    if length > limit:
        raise ProtocolError("a body of %d bytes is longer than the %d allowed" % (length, limit))
    body = stream.read(length)
    if len(body) < length:
        raise ProtocolError("the stream ends within a body")
    if said != crc32c(body):
        raise ProtocolError("damaged body")
    return kind, call, body


# ---------------------------------------------------------------- payloads


def decode(payload):
    """The value of a payload: a zero byte begins bytes, anything else is JSON."""
    if payload[:1] == b"\0":
        return payload[1:]
    # -0 is a float to whoever wrote it, and has no sign as an int.
    return json.loads(payload, parse_int=lambda s: -0.0 if s == "-0" else int(s))


def encode(value):
    """The payload of a value. ValueError if JSON has no form for it."""
    if isinstance(value, (bytes, bytearray)):
        return b"\0" + value
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


# ---------------------------------------------------------------- errors


class TaskError(Exception):
    """An error that a task means to fail with. Each class has a form in JSON.

    raise TaskError("order 7") from Sentinel("shop: sold out") is, for the
    caller in Go, an error of the text "order 7: shop: sold out" in which
    errors.Is finds that Sentinel.
    """

    def form(self):
        if self.__cause__ is None:
            return {"text": cut(str(self))}
        return caused(cut(str(self)), self.__cause__)


class About(TaskError):
    """A text of its own, whatever texts the errors have that it is about."""

    def __init__(self, text, *causes):
        super().__init__(text)
        self.causes = causes

    def form(self):
        return {"text": cut(str(self)), "errs": [form_of(c) for c in self.causes]}


class Sentinel(TaskError):
    """An error whose name is its identity: 1 to 256 bytes, package first."""

    def form(self):
        return {"form": "sentinel", "text": str(self)}


class Canceled(TaskError):
    """Go's context.Canceled."""

    def form(self):
        return {"form": "canceled"}


class DeadlineExceeded(TaskError):
    """Go's context.DeadlineExceeded."""

    def form(self):
        return {"form": "deadline"}


class Join(TaskError):
    """Several errors, each on a line."""

    def __init__(self, *errors):
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors

    def form(self):
        return {"form": "join", "errs": [form_of(e) for e in self.errors]}


class Permanent(TaskError):
    """Trying again is no use, whatever the error is."""

    def __init__(self, error):
        super().__init__(str(error))
        self.error = error

    def form(self):
        return {"form": "permanent", "errs": [form_of(self.error)]}


class RetryAfter(TaskError):
    """Trying again is worth it in so many seconds, whatever the error is."""

    def __init__(self, error, seconds):
        super().__init__(str(error))
        self.error, self.seconds = error, seconds

    def form(self):
        return {"form": "retry", "after": int(self.seconds * 1e9), "errs": [form_of(self.error)]}


class Fault(TaskError):
    """A failure of a kind: see the table in the reference."""

    def __init__(self, kind, error=None, op="", task="", hint="", begun=True):
        super().__init__(str(error or kind))
        self.kind, self.error, self.begun = kind, error, begun
        self.words = {"op": op, "task": task, "hint": hint}

    def form(self):
        form = {"form": "error", "kind": self.kind, "unbegun": not self.begun}
        form.update((key, cut(text)) for key, text in self.words.items())
        if self.error is not None:
            form["errs"] = [form_of(self.error)]
        return form


class Cause(TaskError):
    """Why a call was cancelled, as the host said it."""

    def __init__(self, form):
        super().__init__("the call was cancelled")
        self.said = form

    def form(self):
        # The caller's own word is that the call has not begun, and it has.
        return {key: value for key, value in self.said.items() if key != "unbegun"}

    def late(self):
        """Whether it is the deadline that has passed."""
        return self.said.get("kind") == "deadline" or self.said.get("form") == "deadline"

    def has(self, name, form=None):
        """Whether the Sentinel of that name is in it."""
        form = form or self.said
        if form.get("form") == "sentinel" and form.get("text") == name:
            return True
        return any(self.has(name, e) for e in form.get("errs") or () if e)


class Panic(Exception):
    """A bug that the task itself has found; its text or its cause is the value."""


def form_of(error):
    if isinstance(error, TaskError):
        return error.form()
    return {"text": cut(text_of(error))}


def text_of(error):
    """What a traceback has in its last line, without the class if it says it all."""
    if isinstance(error, (TaskError, Panic)):
        return str(error)
    return "%s: %s" % (type(error).__name__, error)


def panic(name, error):
    """The form of an exception that no task means to fail with."""
    form = {"form": "panic", "task": name, "stack": cut(stack_of(error))}
    if isinstance(error, SystemExit):
        form["goexit"] = True
        return form
    form["valued"] = True
    form["text"] = cut(text_of(error))
    if isinstance(error.__cause__, TaskError):
        form["errs"] = [caused(form["text"], error.__cause__)]
    return form


def caused(text, cause):
    """The form of a text and, after it, what it was caused by."""
    if not text:
        return form_of(cause)
    return {"text": text + ": ", "tail": True, "errs": [form_of(cause)]}


def stack_of(error):
    """The traceback, without the frame of this library."""
    own = error.__traceback__.tb_next
    return "".join(traceback.format_exception(type(error), error, own)).rstrip()


def cut(text, most=64 << 10):
    if len(text) <= most:
        return text
    return "%s … (%d characters cut)" % (text[:most], len(text) - most)


# ---------------------------------------------------------------- calls


class Call:
    """One call of a task.

    name        of the task
    deadline    in nanoseconds of Unix time, or None. It is the host that says
                when it has passed.
    trace       (traceparent, tracestate), both may be empty
    job         the attempt at a durable job that the call is of, a dict, or None:
                log, job and epoch are its fencing token
    cancelled   a threading.Event: the caller does not wait for the output
    cause       why, a Cause; None until then
    """

    def __init__(self, host, number, body):
        self.host, self.number = host, number
        deadline, flags, *lengths = REQUEST.unpack_from(body)
        if flags & ~WATCHED:
            raise ProtocolError("a call with flags that version %d does not have" % VERSION)
        names, at = [], REQUEST.size
        for length in lengths:
            names.append(body[at:at + length].decode())
            at += length
        if at > len(body):
            raise ProtocolError("a call with names longer than itself")
        self.name, self.trace, self.payload = names[0], (names[1], names[2]), body[at:]
        self.job = json.loads(names[3]) if names[3] else None
        self.deadline, self.watched = deadline or None, bool(flags & WATCHED)
        self.cancelled, self.cause = threading.Event(), None

    def cancel(self, body):
        said = json.loads(body)
        self.cause = Cause(said.get("err") or {"form": "canceled"})
        self.cancelled.set()

    def error(self):
        """What has ended the call, or None."""
        if not self.cancelled.is_set():
            return None
        return DeadlineExceeded() if self.cause.late() else Canceled()

    def check(self):
        """Raise what has ended the call, if anything has."""
        error = self.error()
        if error:
            raise error

    def report(self, done=0, total=0, note=""):
        """Tell whoever listens how far the work is."""
        if self.watched:
            body = NUMBERS.pack(done, total) + cut(note).encode("utf-8", "replace")
            self.host.send(PROGRESS, self, body)


class Host:
    """The other side, on descriptors 3 and 4."""

    def __init__(self):
        for fd in (3, 4):
            os.set_inheritable(fd, False)  # no business of what a task starts
        self.source, self.sink = os.fdopen(3, "rb"), os.fdopen(4, "wb")
        self.lock = threading.Lock()
        self.limit = 0       # of a payload
        self.call = None     # that is under way
        self.calls = queue.SimpleQueue()

    def greet(self, names):
        hello = {"worker": "hem-python " + platform.python_version(), "tasks": sorted(names)}
        self.write(HELLO, 0, json.dumps(hello).encode())
        kind, _, body = unpack(self.source, GREETING) or sys.exit(0)
        if kind != WELCOME:
            raise ProtocolError("the host's first word is no welcome but of kind %d" % kind)
        self.limit = json.loads(body)["max_payload"]

    def write(self, kind, number, body):
        try:
            self.sink.write(pack(kind, number, body))
            self.sink.flush()
        except OSError:
            end_with_all()  # nobody hears

    def send(self, kind, call, body):
        """Send what belongs to a call, unless it has been answered."""
        with self.lock:
            if self.call is not call:
                return
            if kind != PROGRESS:
                self.call = None  # first, for then the next one may come
            self.write(kind, call.number, body)

    def listen(self):
        """Hear the host, in a thread of its own, until it has no more to say."""
        try:
            while self.hear(unpack(self.source, self.limit + ROOM)):
                pass
        except Exception as e:
            print("worker: what the host says cannot be read:", text_of(e), file=sys.stderr, flush=True)
            if self.call:
                end_with_all()
            os._exit(3)

    def hear(self, frame):
        if frame is None:
            if self.call:
                end_with_all()  # the host has died in the middle of a call
            self.calls.put(None)  # it lets go
            return False
        kind, number, body = frame
        if kind == CALL:
            call = Call(self, number, body)
            with self.lock:
                if self.call:
                    raise ProtocolError("a second call at once")
                self.call = call
            self.calls.put(call)
        elif kind == CANCEL:
            call = self.call
            if call and call.number == number:
                call.cancel(body)
        else:
            raise ProtocolError("kind %d is for workers to send" % kind)
        return True


def end_with_all():
    """End this process, at once, and what it has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(3)


def run(tasks, call, limit):
    """Run a call: (RESULT, payload) or (FAILURE, form)."""
    if call.name not in tasks:
        return refuse(call, "the worker does not know the task", begun=False)
    try:
        given = decode(call.payload)
    except ValueError as e:
        return refuse(call, "its input cannot be read: %s" % e, begun=False)
    try:
        output = tasks[call.name](call, given)
    except TaskError as e:
        return FAILURE, fail(e.form())
    except BaseException as e:
        return FAILURE, fail(panic(call.name, e))
    try:
        payload = encode(output)
    except (TypeError, ValueError, RecursionError) as e:
        return refuse(call, "its output has no form in JSON: %s" % e)
    if len(payload) > limit:
        return refuse(call, "the payload has %d bytes, which is more than the limit of %d" % (len(payload), limit))
    return RESULT, payload


def refuse(call, why, begun=True):
    return FAILURE, fail(Fault("invalid", TaskError(why), "worker: run", call.name, begun=begun).form())


def fail(form):
    return json.dumps({"v": 1, "err": form}).encode()


def serve(tasks):
    """Serve tasks, a dict of functions by name, until the host lets go."""
    if os.environ.pop("HEM_PROC", None) != "worker":
        sys.exit("%s is a worker: name it in the Command of a proc.Config" % sys.argv[0])
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # It is the host that decides. SIG_IGN would be inherited.
        signal.signal(name, lambda *_: None)
    sys.stdout.reconfigure(line_buffering=True)
    host = Host()
    host.greet(tasks)
    threading.Thread(target=host.listen, daemon=True).start()
    for call in iter(host.calls.get, None):
        kind, body = run(tasks, call, host.limit)
        host.send(kind, call, body)
    sys.stdout.flush()
    os._exit(0)  # threads that tasks have left behind are not waited for


# ---------------------------------------------------------------- the tests' tasks


def same(call, value):
    return value


def inflate(call, n):
    if n < 0:
        return {"Number": float("nan")}
    return {"Bytes": base64.b64encode(b"x" * n).decode(), "Number": 0}


def scribble(call, parcel):
    parcel["Text"] = "scribbled"
    return parcel


def obey(call, order):
    if order:
        raise TaskError(order)


def square(call, n):
    return n * n


def count(call, n):
    for i in range(n):
        call.report(i + 1, n, "counting")
    return n


def traced(call, _):
    return {"Parent": call.trace[0], "State": call.trace[1]}


def origin(call, _):
    return json.dumps(call.job)


def watch(call, given):
    call.report(note="begun")
    if not call.cancelled.wait(5):
        raise TaskError("tasktest: the context did not end")
    if given["Return"] == "err":
        call.check()
    if given["Return"] == "cause":
        raise call.cause
    if given["Return"] == "panic":
        raise Panic() from call.error()
    late = call.cause.late()
    return {
        "HasDeadline": call.deadline is not None,
        "Deadline": go_time(call.deadline),
        "Err": "context deadline exceeded" if late else "context canceled",
        "IsCanceled": not late,
        "IsDeadline": late,
        "HasCause": call.cause.has(given["Cause"]),
        "Derived": True,
    }


def go_time(nanos):
    """The form of Go's time.Time."""
    if nanos is None:
        return "0001-01-01T00:00:00Z"
    at = datetime.datetime.fromtimestamp(nanos // 10**9, datetime.timezone.utc)
    return "%s.%09dZ" % (at.strftime("%Y-%m-%dT%H:%M:%S"), nanos % 10**9)


def stubborn(call, board):
    call.report(note="begun")
    time.sleep(board["For"] / 1e9)
    return "done"


def burst(call, how):
    burst_here(how)


def burst_here(how):
    if how == "text":
        raise Panic("tasktest: boom 42")
    if how == "error":
        raise Panic() from Sentinel("tasktest: declined")
    if how == "nil":
        raise Panic("nil")
    if how == "goexit":
        sys.exit()


def fail_as(call, how):
    if how.startswith("kind "):
        kind = how[len("kind "):]
        raise Fault(kind, upset, "tasktest: fail", "inner", "look at " + kind)
    raise failures()[how]


declined, upset = Sentinel("tasktest: declined"), Sentinel("tasktest: upset")


def failures():
    return {
        "plain": TaskError("tasktest: plain"),
        "sentinel": declined,
        "wrapped": because("order 7", declined),
        "wrapped twice": because("a", About("b (tasktest: declined), c", declined)),
        "joined": Join(declined, TaskError("EOF"), upset),
        "wrapped join": because("all", Join(upset, declined)),
        "two wrapped": About("tasktest: upset after tasktest: declined", upset, declined),
        "canceled": because("query", Canceled()),
        "deadline": because("query", DeadlineExceeded()),
        "permanent": Permanent(because("gone", declined)),
        "retry after": RetryAfter(upset, 90),
        "retry at once": RetryAfter(Canceled(), 0),
        "fault over join": Fault("lost", Join(upset), "x"),
        "promise": Fault("overloaded", upset, "inner: submit"),
        "permanent promise": Permanent(Fault("overloaded", upset, "inner: submit")),
        "timed promise": RetryAfter(Fault("invalid", upset, "inner: submit"), 3600),
    }


def because(text, cause):
    error = TaskError(text)
    error.__cause__ = cause
    return error


TASKS = {
    "tasktest.echo": same,
    "tasktest.echo-pointer": same,
    "tasktest.echo-slice": same,
    "tasktest.echo-map": same,
    "tasktest.echo-bytes": same,
    "tasktest.echo-float": same,
    "tasktest.inflate": inflate,
    "tasktest.scribble": scribble,
    "tasktest.obey": obey,
    "tasktest.fail": fail_as,
    "tasktest.square": square,
    "tasktest.watch": watch,
    "tasktest.stubborn": stubborn,
    "tasktest.burst": burst,
    "tasktest.count": count,
    "tasktest.traced": traced,
    "proc.origin": origin,
}

if __name__ == "__main__":
    serve(TASKS)

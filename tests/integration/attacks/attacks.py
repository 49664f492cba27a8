"""The attacks, each on a scene that stands in a folder of its own.

The attacker can write to the ledger's folder, knows the formats, removes what would give him away,
and has no key of the owner's, but where it is said.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from evidentia.ledger.statements import Signing

from .forging import Key, canonical, digest, read, rechained, root_over, seal, write
from .scene import FOREIGN, OLD_SIZE, ORIGIN, SEED, Scene, key_of, make

Attack = Callable[[Scene], None]
MIDDLE = 7
CYRILLIC_E = "\N{CYRILLIC SMALL LETTER IE}"
SIGNED = (Signing.HMAC, Signing.HEADS, Signing.ROWS)
KEYED = (Signing.HEADS, Signing.ROWS)


def edited(line: bytes) -> bytes:
    """A line that says another amount."""
    event = json.loads(line)
    event["payload"]["amount"] = 1_000_000
    return canonical(event)


def with_edit(lines: Sequence[bytes], place: int) -> list[bytes]:
    """Lines of which one was edited."""
    return [*lines[:place], edited(lines[place]), *lines[place + 1 :]]


def without_head(scene: Scene) -> None:
    """Take the signed head away, which would not fit any more."""
    (scene.folder / "head").unlink(missing_ok=True)


def instead(scene: Scene, folder: Path) -> None:
    """Put another folder in the place of the ledger."""
    shutil.rmtree(scene.folder)
    shutil.copytree(folder, scene.folder)


# ---- Careless: nothing is computed anew ---------------------------------------------------------
def untouched(scene: Scene) -> None:
    """Nothing: what the verdict is without an attack."""


def edit(scene: Scene) -> None:
    """One line is edited."""
    write(scene.folder, with_edit(scene.lines, MIDDLE))
    without_head(scene)


def look_alike_id(scene: Scene) -> None:
    """A letter of an id becomes the Cyrillic letter that looks like it."""
    lines = [*scene.lines]
    lines[MIDDLE] = lines[MIDDLE].replace(b'"evt_', f'"{CYRILLIC_E}vt_'.encode(), 1)
    write(scene.folder, lines)
    without_head(scene)


def reorder(scene: Scene) -> None:
    """Two lines change places."""
    lines = [*scene.lines]
    lines[MIDDLE], lines[MIDDLE + 1] = lines[MIDDLE + 1], lines[MIDDLE]
    write(scene.folder, lines)
    without_head(scene)


def duplicate(scene: Scene) -> None:
    """A line stands there twice."""
    write(scene.folder, [*scene.lines[:MIDDLE], *scene.lines[MIDDLE - 1 :]])
    without_head(scene)


def delete(scene: Scene) -> None:
    """A line is gone."""
    write(scene.folder, [*scene.lines[:MIDDLE], *scene.lines[MIDDLE + 1 :]])
    without_head(scene)


def delete_segment(scene: Scene) -> None:
    """A file in the middle is gone."""
    write(scene.folder, scene.lines)
    sorted(scene.folder.glob("*.jsonl"))[1].unlink()
    without_head(scene)


def cut_carelessly(scene: Scene) -> None:
    """The last events are cut off; the head and the writer's own mark stay."""
    last = max(scene.folder.glob("*.jsonl"))
    kept = last.read_bytes().splitlines(keepends=True)[:-2]
    last.write_bytes(b"".join(kept))


def without_final_newline(scene: Scene) -> None:
    """The last byte is cut off."""
    write(scene.folder, scene.lines)
    last = max(scene.folder.glob("*.jsonl"))
    last.write_bytes(last.read_bytes()[:-1])
    without_head(scene)


def carriage_returns(scene: Scene) -> None:
    """An editor of another system wrote the ledger: its lines end in CR LF."""
    write(scene.folder, [line + b"\r" for line in scene.lines])
    without_head(scene)


def byte_order_mark(scene: Scene) -> None:
    """An editor put a byte-order mark before the first line."""
    write(scene.folder, [b"\xef\xbb\xbf" + scene.lines[0], *scene.lines[1:]])
    without_head(scene)


def huge_line(scene: Scene) -> None:
    """Six million bytes without a newline stand in the last file, before events."""
    lines = scene.lines
    write(scene.folder, [*lines[:-2], b'{"x":"' + b"x" * 6_000_000 + b'"}', *lines[-2:]])
    without_head(scene)


# ---- Careful: everything after the change is computed anew --------------------------------------
def edit_and_rechain(scene: Scene) -> None:
    """One line is edited, and all links after it are computed anew."""
    write(scene.folder, rechained(with_edit(scene.lines, MIDDLE), begin=MIDDLE))
    without_head(scene)


def edit_last_and_rechain(scene: Scene) -> None:
    """The last line is edited, and its hashes are computed anew."""
    lines = with_edit(scene.lines, len(scene.lines) - 1)
    event = json.loads(lines[-1])
    seal(event, event["sequence"], event["prev_event_hash"])
    write(scene.folder, [*lines[:-1], canonical(event)])
    without_head(scene)


def duplicate_and_rechain(scene: Scene) -> None:
    """A line stands there twice, and all after it is computed anew."""
    lines = [*scene.lines[:MIDDLE], *scene.lines[MIDDLE - 1 :]]
    write(scene.folder, rechained(lines, begin=MIDDLE - 1))
    without_head(scene)


def cut(scene: Scene) -> None:
    """The last events are cut off."""
    write(scene.folder, scene.lines[:-3])
    without_head(scene)


def cut_and_continue(scene: Scene) -> None:
    """The last events are cut off, and other events are put in its place."""
    lines = [*scene.lines[:-3], *map(edited, scene.lines[-3:])]
    write(scene.folder, rechained(lines, begin=len(lines) - 3))
    without_head(scene)


def repeated_keys(scene: Scene) -> None:
    """A payload says a thing twice, and everything is computed anew around it."""
    doubled = scene.lines[MIDDLE].replace(b'{"amount":', b'{"amount":1,"amount":', 1)
    _forced(scene, doubled)


def big_integer(scene: Scene) -> None:
    """A payload holds 2^53 + 1, which readers round differently; all is computed anew."""
    event = json.loads(scene.lines[MIDDLE])
    event["payload"]["amount"] = 2**53 + 1
    _forced(scene, canonical(event))


def _forced(scene: Scene, line: bytes) -> None:
    """Chain a line that no honest writer writes: its hashes are over its very bytes."""
    event = json.loads(line)
    payload = line.partition(b'"payload":')[2].partition(b',"payload_hash"')[0]
    payload_hash = hashlib.sha256(payload).hexdigest()
    rest = line.replace(event["payload_hash"].encode(), payload_hash.encode())
    rest = rest.replace(b',"event_hash":"%b"' % event["event_hash"].encode(), b"", 1)
    signature = b',"signature":' + canonical(event["signature"]) if "signature" in event else b""
    rest = rest.replace(signature, b"", 1)
    made = rest.replace(b',"event_type"', b',"event_hash":"%b","event_type"' % digest(rest), 1)
    made = made.replace(b',"source":', signature + b',"source":', 1)
    lines = [*scene.lines[:MIDDLE], made, *scene.lines[MIDDLE + 1 :]]
    write(scene.folder, rechained(lines, begin=MIDDLE + 1))
    without_head(scene)


def ledger_and_store(scene: Scene) -> None:
    """A line is edited, all is computed anew, and so are size and root in the store."""
    edit_and_rechain(scene)
    lines = read(scene.folder)
    scene.kept = replace(scene.kept, size=len(lines), root=root_over(lines))


def ledger_and_store_without_note(scene: Scene) -> None:
    """The same, and the signature in the store is taken away."""
    ledger_and_store(scene)
    scene.kept = replace(scene.kept, note=b"")


# ---- Other ledgers, other keys ------------------------------------------------------------------
def swap(scene: Scene) -> None:
    """Another ledger of the same owner stands in its place, untouched."""
    instead(scene, scene.other)


def recreate(scene: Scene) -> None:
    """A ledger of the same name is made anew, with a foreign key if it signs."""
    instead(scene, scene.anew)


def look_alike_origin(scene: Scene) -> None:
    """A ledger is made anew whose name only looks the same, with a key of that name."""
    shutil.rmtree(scene.folder)
    shutil.rmtree(scene.old)
    origin = ORIGIN.replace("e", CYRILLIC_E)
    make(scene.folder, scene.signing, origin, FOREIGN, None)


def foreign_key(scene: Scene) -> None:
    """The ledger is edited, and everything is signed anew with a foreign key of its name."""
    _sign_anew(scene, Key(ORIGIN, FOREIGN))


def owner_rewrites(scene: Scene) -> None:
    """The owner himself edits the ledger and signs it anew: two heads of one size."""
    _sign_anew(scene, Key(ORIGIN, SEED))


def _sign_anew(scene: Scene, key: Key) -> None:
    lines = with_edit(scene.lines, MIDDLE)
    first = json.loads(lines[0])
    first["payload"]["verifier_key"] = key.text
    sign = key.sign if scene.signing is Signing.ROWS else None
    lines = rechained([canonical(first), *lines[1:]], sign)
    write(scene.folder, lines)
    (scene.folder / "head").write_bytes(key.head(lines))


def strip(scene: Scene) -> None:
    """The ledger is edited, and rewritten as one that signs nothing."""
    lines = with_edit(scene.lines, MIDDLE)
    events = [json.loads(line) for line in lines]
    events[0]["payload"] |= {"signing": "none", "verifier_key": None}
    for event in events:
        event.pop("signature", None)
    write(scene.folder, rechained([canonical(event) for event in events]))
    without_head(scene)


def hand_on_to_the_owner(scene: Scene) -> None:
    """A foreign ledger of the same name, whose last event hands on to the owner's key."""
    foreign, owner = Key(ORIGIN, FOREIGN), Key(ORIGIN, SEED)
    _sign_anew(scene, foreign)
    event = json.loads(read(scene.folder)[-1])
    event["event_type"], event["id"] = "evidentia.ledger.key_rotated.v1", "evt_rotated"
    event["payload"] = {"previous_key": foreign.text, "verifier_key": owner.text}
    event.pop("signature", None)
    lines = [*read(scene.folder), canonical(event)]
    begin = len(lines) - 1
    write(scene.folder, rechained(lines, foreign.sign, begin))
    (scene.folder / "head").write_bytes(foreign.head(read(scene.folder)))


def wrong_key(scene: Scene) -> None:
    """Nothing is changed; the verifier was given a foreign key of the same name."""
    key = key_of(scene.signing, ORIGIN, FOREIGN)
    scene.trusted = () if key is None else (key.verifier,)


# ---- Old states ---------------------------------------------------------------------------------
def old_folder(scene: Scene) -> None:
    """The whole folder is put back from an old backup, its head included."""
    instead(scene, scene.old)


def old_head(scene: Scene) -> None:
    """The old signed head is put back; the ledger is left alone."""
    shutil.copyfile(scene.old / "head", scene.folder / "head")


def old_head_and_edit(scene: Scene) -> None:
    """An event after the old head is edited, all after it computed anew, the old head put back."""
    place = OLD_SIZE + 2
    write(scene.folder, rechained(with_edit(scene.lines, place), begin=place))
    old_head(scene)


def remove_head(scene: Scene) -> None:
    """The signed head is removed; the ledger is left alone."""
    without_head(scene)


ALL = tuple(Signing)
CARELESS: dict[str, tuple[Attack, tuple[Signing, ...]]] = {
    "edit a line": (edit, ALL),
    "put a look-alike letter into an id": (look_alike_id, ALL),
    "reorder two lines": (reorder, ALL),
    "duplicate a line": (duplicate, ALL),
    "duplicate a line and re-chain": (duplicate_and_rechain, ALL),
    "delete a line": (delete, ALL),
    "delete a segment": (delete_segment, ALL),
    "cut the tail, leave the writer's mark": (cut_carelessly, ALL),
    "end lines in CR LF": (carriage_returns, ALL),
    "put a byte-order mark first": (byte_order_mark, ALL),
    "put in a huge line": (huge_line, ALL),
}
"""Found in every ledger by everybody."""
CAREFUL: dict[str, tuple[Attack, tuple[Signing, ...]]] = {
    "none: the ledger is untouched": (untouched, ALL),
    "edit and re-chain": (edit_and_rechain, ALL),
    "edit the last line and re-chain": (edit_last_and_rechain, ALL),
    "repeat a JSON key and re-chain": (repeated_keys, ALL),
    "put in 2^53 + 1 and re-chain": (big_integer, ALL),
    "cut the last newline": (without_final_newline, ALL),
    "cut the tail": (cut, ALL),
    "cut the tail and continue": (cut_and_continue, ALL),
    "edit ledger and store": (ledger_and_store, ALL),
    "edit both, drop the kept signature": (ledger_and_store_without_note, SIGNED),
    "swap in another ledger of the owner": (swap, ALL),
    "make the ledger anew": (recreate, ALL),
    "make one with a look-alike name": (look_alike_origin, ALL),
    "sign all anew with a foreign key": (foreign_key, KEYED),
    "hand a foreign ledger on to the owner's key": (hand_on_to_the_owner, KEYED),
    "strip the signing": (strip, SIGNED),
    "put back the old folder": (old_folder, ALL),
    "put back the old head": (old_head, SIGNED),
    "put back the old head, edit after it": (old_head_and_edit, SIGNED),
    "remove the head": (remove_head, SIGNED),
    "give the verifier a wrong key": (wrong_key, SIGNED),
    "the owner signs two histories": (owner_rewrites, KEYED),
}
"""What comes of them depends on the ledger and on what the verifier holds."""

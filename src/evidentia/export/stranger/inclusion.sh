#!/usr/bin/env bash
# Checks that an event is under the root of a tree head, from a proof file alone (RFC 9162 2.1.3.2),
# with sed, base64, od and sha256sum:
#
#   bash inclusion.sh proofs/7.proof
#
# The signature over the tree head, which the proof file ends with, is checked by other means.
set -euo pipefail

proof="$1"

# hex < BYTES; node LEFT RIGHT: the hash above two hashes, all in hex.
hex() { od -An -v -tx1 | tr -d ' \n'; }
digest() { sha256sum | cut -c 1-64; }
node() {
    local pair
    pair="$(printf '%s%s' "$1" "$2" | sed 's/../\\x&/g')"
    printf '%b' "\\x01$pair" | digest
}

index="$(sed -n '/^$/q; s/^index //p' "$proof")"
head="$(sed '1,/^$/d' "$proof")"
size="$(sed -n 2p <<<"$head")"
root="$(sed -n 3p <<<"$head" | base64 -d | hex)"
hash="$({
    printf '\0'
    sed -n '/^$/q; s/^extra //p' "$proof" | base64 -d
} | digest)"
printf 'leaf hash:  %s\n' "$hash"

place="$index"
last="$((size - 1))"
is_whole=true
[ "$index" -lt "$size" ] || is_whole=false
while read -r line; do
    sibling="$(base64 -d <<<"$line" | hex)"
    [ "$last" -gt 0 ] || is_whole=false
    if [ "$((place % 2))" -eq 1 ] || [ "$place" -eq "$last" ]; then
        hash="$(node "$sibling" "$hash")"
        while [ "$((place % 2))" -eq 0 ] && [ "$place" -gt 0 ]; do
            place="$((place / 2))"
            last="$((last / 2))"
        done
    else
        hash="$(node "$hash" "$sibling")"
    fi
    place="$((place / 2))"
    last="$((last / 2))"
done < <(sed -n '/^$/q; /^index /,$p' "$proof" | sed 1d)
[ "$last" -eq 0 ] || is_whole=false

printf 'leads to:   %s\nhead:       %s\n' "$hash" "$root"
if "$is_whole" && [ "$hash" = "$root" ]; then
    printf 'root match: true\n'
else
    printf 'root match: false\n'
    exit 1
fi

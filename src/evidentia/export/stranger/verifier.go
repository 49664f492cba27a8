// Checks a ledger against its signed tree head with nothing of evidentia: the note and the tree are
// those of the Go project's checksum database. Build it with Debian's golang-golang-x-mod-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build verifier.go
//	./verifier KEY HEAD LEDGER.jsonl...
//
// KEY is the verifier key, HEAD the file with the signed tree head, and then come the files of the
// ledger in their order. The exit status is 0 if signature and root are right, else 1.
//
// Where there is no key to check a signature with, "-" in the place of KEY and a number of events in
// the place of HEAD print the root over so many events, to be compared by eye.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var stored []tlog.Hash

func read(indexes []int64) (hashes []tlog.Hash, err error) {
	for _, index := range indexes {
		if index >= int64(len(stored)) {
			return nil, errors.New("the ledger has fewer events than its head says")
		}
		hashes = append(hashes, stored[index])
	}
	return hashes, nil
}

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func signed(key, name string) (size int64, root tlog.Hash) {
	verifier, err := note.NewVerifier(key)
	must(err)
	head, err := os.ReadFile(name)
	must(err)
	opened, err := note.Open(head, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n") // origin, size, root
	if len(lines) < 4 || lines[0] != verifier.Name() {
		must(errors.New("not a tree head of the ledger that the key is named for"))
	}
	size, err = strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err = tlog.ParseHash(lines[2])
	must(err)
	return size, root
}

func main() {
	if len(os.Args) < 3 {
		must(errors.New("usage: verifier KEY HEAD LEDGER.jsonl..."))
	}
	isSigned := os.Args[1] != "-"
	size, root := int64(0), tlog.Hash{}
	if isSigned {
		size, root = signed(os.Args[1], os.Args[2])
		fmt.Println("signature: valid")
	} else {
		number, err := strconv.ParseInt(os.Args[2], 10, 64)
		must(err)
		size = number
	}
	events := int64(0)
	for _, name := range os.Args[3:] {
		file, err := os.Open(name)
		must(err)
		reader := bufio.NewReader(file)
		// A last line without its newline was never acknowledged; events behind the head are not its.
		for events < size {
			line, err := reader.ReadBytes('\n')
			if err != nil {
				break
			}
			hashes, err := tlog.StoredHashes(events, bytes.TrimSuffix(line, []byte("\n")), tlog.HashReaderFunc(read))
			must(err)
			stored = append(stored, hashes...)
			events++
		}
		must(file.Close())
	}
	found, err := tlog.TreeHash(size, tlog.HashReaderFunc(read))
	must(err)
	if size == 0 { // Older releases of tlog have no hash for the empty tree.
		found = sha256.Sum256(nil)
	}
	if !isSigned {
		fmt.Printf("events: %d\nroot: %s\n", events, found)
		return
	}
	fmt.Printf("events: %d\nroot match: %t\n", events, found == root)
	if found != root {
		os.Exit(1)
	}
}

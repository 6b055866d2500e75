package crypt

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrList says that the objects of an app are not those of its list: one was
// removed, added, or exchanged for another version of itself.
var ErrList = errors.New("objects are not those of the app's list")

// A List names every sealed object of an app, so that no single one can be
// removed, or put back to an earlier version, unnoticed.
//
// An entry tells its object by a commitment: HMAC-SHA-256 under a key derived
// from the object's DEK, over the binding of its clear part and core. It
// stays when keys are rotated and needs no pass over the body, whose chunks
// only that DEK makes. The list itself is sealed, as a blob of kind "list"
// with a DEK of its own: anybody can seal for a certificate, but only who
// can open the objects knows the commitments that a forged list would need.
//
// What no list can stop is the exchange of the whole app, list included, for
// an earlier one.
type List struct {
	entries map[listKey]listEntry
	order   []listKey
}

type listKey struct{ kind, name string }

type listEntry struct {
	size   int64 // of the plaintext body
	commit [sha256.Size]byte
}

// Object names a sealed object of an app.
type Object struct {
	Kind, Name string
	Len        int64 // plaintext bytes
}

const listKind = "list"

// Add enters the object that e seals or opens. Each kind and name may be
// entered once.
func (l *List) Add(kind, name string, e *Envelope) error {
	if err := checkBlobName(kind, name); err != nil {
		return err
	}
	return l.add(listKey{kind, name}, listEntry{size: e.Len(), commit: e.commit})
}

// Take enters an object of another list, of the app as it was before: one
// that is left as it is.
func (l *List) Take(from *List, o Object) error {
	k := listKey{o.Kind, o.Name}
	entry, ok := from.entries[k]
	if !ok {
		return fmt.Errorf("%w: %s %q is not in the list", ErrList, o.Kind, o.Name)
	}
	return l.add(k, entry)
}

func (l *List) add(k listKey, entry listEntry) error {
	if _, ok := l.entries[k]; ok {
		return fmt.Errorf("%w: %s %q twice", ErrList, k.kind, k.name)
	}
	if l.entries == nil {
		l.entries = make(map[listKey]listEntry)
	}
	l.entries[k] = entry
	l.order = append(l.order, k)
	return nil
}

// Objects returns the entries in the order in which they were added.
func (l *List) Objects() []Object {
	objects := make([]Object, len(l.order))
	for i, k := range l.order {
		objects[i] = Object{Kind: k.kind, Name: k.name, Len: l.entries[k].size}
	}
	return objects
}

// Check says whether an opened object is the one that the list was made with.
func (l *List) Check(kind, name string, e *Envelope) error {
	entry, ok := l.entries[listKey{kind, name}]
	if !ok {
		return fmt.Errorf("%w: %s %q is not in the list", ErrList, kind, name)
	}
	same := subtle.ConstantTimeCompare(entry.commit[:], e.commit[:]) == 1
	if !same || entry.size != e.Len() {
		return fmt.Errorf("%w: %s %q is another version", ErrList, kind, name)
	}
	return nil
}

// CheckNames says whether an app has exactly the objects of the list. It
// looks at kinds and names only; Check is for each object when it is opened.
func (l *List) CheckNames(have []Object) error {
	seen := make(map[listKey]bool, len(have))
	for _, o := range have {
		k := listKey{o.Kind, o.Name}
		if _, ok := l.entries[k]; !ok || seen[k] {
			return fmt.Errorf("%w: %s %q is not in the list, or there twice", ErrList, o.Kind, o.Name)
		}
		seen[k] = true
	}
	for _, k := range l.order {
		if !seen[k] {
			return fmt.Errorf("%w: %s %q is missing", ErrList, k.kind, k.name)
		}
	}
	return nil
}

// SealList returns the list of the app as a blob.
func SealList(l *List, app string, to []*Recipient, o Options) ([]byte, error) {
	var plain []byte
	for _, k := range l.order {
		plain = appendEntry(plain, k, l.entries[k])
	}
	return SealBlob(listKind, app, plain, to, o)
}

// OpenList reads the list of the app.
func OpenList(blob []byte, app string, keys Keys) (*List, error) {
	plain, err := OpenBlob(blob, listKind, app, keys)
	if err != nil {
		return nil, err
	}
	l := &List{}
	for off := 0; off < len(plain); {
		k, entry, n := cutEntry(plain[off:])
		if n == 0 {
			return nil, malformed("list", off, "entry %d does not end", len(l.order))
		}
		if err := l.add(k, entry); err != nil {
			return nil, err
		}
		off += n
	}
	return l, nil
}

// appendEntry appends kind 0x00 name 0x00, the size as u64 LE, and the commitment.
func appendEntry(dst []byte, k listKey, e listEntry) []byte {
	dst = append(dst, k.kind...)
	dst = append(dst, 0)
	dst = append(dst, k.name...)
	dst = append(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.size))
	return append(dst, e.commit[:]...)
}

// cutEntry reads the first entry and returns its length, 0 if b is too short.
func cutEntry(b []byte) (k listKey, e listEntry, n int) {
	kind, rest, ok := bytes.Cut(b, []byte{0})
	if !ok {
		return k, e, 0
	}
	name, rest, ok := bytes.Cut(rest, []byte{0})
	if !ok || len(rest) < 8+sha256.Size {
		return k, e, 0
	}
	e.size = int64(binary.LittleEndian.Uint64(rest))
	copy(e.commit[:], rest[8:])
	return listKey{string(kind), string(name)}, e, len(kind) + len(name) + 2 + 8 + sha256.Size
}

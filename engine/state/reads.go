package state

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"sync"
)

// A Print identifies the selections of a state among all there can be, locks
// included. In which order they were made it does not say.
type Print [sha256.Size]byte

// A Read names what was looked at in a history: the state of a name Step steps
// back, as [History.At] counts them, or with Order set the order in which its
// fields were selected.
type Read struct {
	Step  int
	Name  string
	Order bool
}

// Reads notes which states of a history are looked at. Any number of
// goroutines may look.
type Reads struct {
	mu   sync.Mutex
	seen map[Read]Print
}

// Noting returns the history, which notes in r what is looked at from now on.
func (h History) Noting(r *Reads) History {
	h.reads, h.now.reads = r, r
	return h
}

// Seen returns what was looked at, and what was found there at first.
func (r *Reads) Seen() map[Read]Print {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[Read]Print, len(r.seen))
	for k, v := range r.seen {
		out[k] = v
	}
	return out
}

func (r *Reads) note(at Read, st *State, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.seen[at]; known {
		return
	}
	if r.seen == nil {
		r.seen = map[Read]Print{}
	}
	r.seen[at] = printOf(at, st, ok)
}

// Print returns what a history shows where a read looks.
func (h History) Print(at Read) Print {
	s := h.At(at.Step)
	st, ok := s.State(at.Name)
	return printOf(at, st, ok)
}

func printOf(at Read, st *State, ok bool) Print {
	switch {
	case at.Order:
		h := sha256.New()
		for _, f := range st.Fields() {
			writeText(h, f)
		}
		return sum(h)
	case !ok:
		return Print{1} // no such state
	}
	return st.Print()
}

// Print identifies the selections; it is computed once.
func (s *State) Print() Print {
	if s.Empty() {
		return Print{}
	}
	if p := s.print.Load(); p != nil {
		return *p
	}
	p := s.digest()
	s.print.Store(&p)
	return p
}

func sum(h hash.Hash) (p Print) {
	h.Sum(p[:0])
	return p
}

// digest hashes fields, locks and codes. Words without a code are left out: a
// selection in millions of values is mostly that.
func (s *State) digest() Print {
	h := sha256.New()
	for _, name := range slices.Sorted(slices.Values(s.order)) {
		sel := s.fields[name]
		flags := byte(0)
		if sel.Locked {
			flags |= 1
		}
		if sel.OneAlways {
			flags |= 2
		}
		writeText(h, name)
		_, _ = h.Write(append(make([]byte, 0, 16), flags)) // a hash takes all bytes
		writeWords(h, sel.Codes.Words())
	}
	return sum(h)
}

func writeText(h hash.Hash, s string) {
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
	_, _ = h.Write([]byte(s))
}

// writeWords hashes the words that are not zero with their places; their number
// comes last and ends the list.
func writeWords(h hash.Hash, words []uint64) {
	var buf [4096]byte
	n, at := 0, buf[:0]
	for i, w := range words {
		if w == 0 {
			continue
		}
		if n++; len(at)+16 > len(buf) {
			_, _ = h.Write(at)
			at = buf[:0]
		}
		at = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(at, uint64(i)), w)
	}
	_, _ = h.Write(at)
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)|1<<63)) // a place never has the top bit
}

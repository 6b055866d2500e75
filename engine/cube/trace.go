package cube

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/state"
)

// A digest identifies a definition, or a definition with all that its result
// depends on.
type digest [sha256.Size]byte

// A source is something that expressions look up in a session.
type source byte

// The sources.
const (
	fromState    source = iota // the selections of a state
	fromOrder                  // the order in which they were made
	fromVariable               // a variable
	fromLibrary                // a master item by its label
	fromBookmark               // a bookmark
	fromUser                   // who the user is
)

// A look is one thing that was looked up: what a result depends on.
type look struct {
	source source
	step   int // of states: back in the history
	name   string
}

func (l look) compare(o look) int {
	if l.source != o.source {
		return int(l.source) - int(o.source)
	}
	if l.step != o.step {
		return l.step - o.step
	}
	return strings.Compare(l.name, o.name)
}

func (l look) read() state.Read {
	return state.Read{Step: l.step, Name: l.name, Order: l.source == fromOrder}
}

// in returns what the look finds in a session.
func (l look) in(q *query.Context) string {
	switch l.source {
	case fromVariable:
		return found(q.Variable(l.name))
	case fromLibrary:
		return found(q.Library(l.name))
	case fromBookmark:
		return kept(q.Bookmark(l.name))
	case fromUser:
		return q.Fn.User
	}
	p := q.History.Print(l.read())
	return string(p[:])
}

func found(text string, ok bool) string {
	if !ok {
		return ""
	}
	return "=" + text
}

func kept(st *state.State, ok bool) string {
	if !ok {
		return ""
	}
	p := st.Print()
	return string(p[:])
}

// A trace notes what a computation looks up, and what it finds. Any number of
// goroutines may look.
type trace struct {
	reads state.Reads

	mu       sync.Mutex
	seen     map[look]string
	volatile bool // it asked for the time, or found two answers to one question
}

// traced returns a context that is like q and notes what is asked of it.
func traced(q *query.Context) (*query.Context, *trace) {
	t := &trace{seen: map[look]string{}}
	out := *q
	out.History = q.History.Noting(&t.reads)
	if q.Variable != nil {
		out.Variable = func(name string) (string, bool) {
			text, ok := q.Variable(name)
			t.note(look{source: fromVariable, name: name}, found(text, ok))
			return text, ok
		}
	}
	if q.Library != nil {
		out.Library = func(name string) (string, bool) {
			text, ok := q.Library(name)
			t.note(look{source: fromLibrary, name: name}, found(text, ok))
			return text, ok
		}
	}
	if q.Bookmark != nil {
		out.Bookmark = func(name string) (*state.State, bool) {
			st, ok := q.Bookmark(name)
			t.note(look{source: fromBookmark, name: name}, kept(st, ok))
			return st, ok
		}
	}
	out.Fn = t.fn(q.Fn)
	return &out, t
}

// fn returns the context of functions, which tells when the user, the time or
// a random number is asked for.
func (t *trace) fn(c *fn.Context) *fn.Context {
	out := &fn.Context{
		Locale: c.Locale, User: c.User, AppName: c.AppName, AppID: c.AppID, AppTitle: c.AppTitle, Author: c.Author,
		ComputerName: c.ComputerName, EngineVersion: c.EngineVersion, ReloadTime: c.ReloadTime, OpenTime: c.OpenTime,
		StartTime: c.StartTime, PartialReload: c.PartialReload,
	}
	out.OnUser = func() { t.note(look{source: fromUser}, c.User) }
	if c.Now != nil {
		out.Now = func() time.Time {
			t.spoil()
			return c.Now()
		}
	}
	if c.Rand != nil {
		out.Rand = func() float64 {
			t.spoil()
			return c.Rand()
		}
	}
	return out
}

func (t *trace) note(l look, answer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.seen[l]; ok && old != answer { // somebody changed it meanwhile
		t.volatile = true
	}
	t.seen[l] = answer
}

func (t *trace) spoil() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.volatile = true
}

// end returns what was looked up, in an order of its own, and the digest of
// the definition and all that was found; ok = false if that does not say what
// the result is.
func (t *trace) end(def digest) (looks []look, d digest, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r, p := range t.reads.Seen() {
		l := look{source: fromState, step: r.Step, name: r.Name}
		if r.Order {
			l.source = fromOrder
		}
		t.seen[l] = string(p[:])
	}
	for l := range t.seen {
		looks = append(looks, l)
	}
	slices.SortFunc(looks, look.compare)
	return looks, with(def, looks, func(l look) string { return t.seen[l] }), !t.volatile
}

// with returns the digest of a definition and the answers to looks.
func with(def digest, looks []look, answer func(look) string) (d digest) {
	b := append(make([]byte, 0, 1024), def[:]...)
	for _, l := range looks {
		b = append(b, byte(l.source))
		b = binary.AppendVarint(b, int64(l.step))
		b = appendText(appendText(b, l.name), answer(l))
	}
	return sha256.Sum256(b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// define returns the digest of a definition: all that decides its result
// besides what expressions look up in the session.
func define(q *query.Context, d *Def) digest {
	b := make([]byte, 0, 4096)
	for _, dim := range d.Dims {
		b = binary.AppendUvarint(b, uint64(dim.Active))
	}
	for _, n := range d.Items { // master items, in the order in which the definition uses them
		b = n.Append(append(b, 0))
	}
	b = d.Node.Append(append(b, 0))
	if d.List {
		b = append(b, 'L')
	}
	return sha256.Sum256(appendPlace(b, q))
}

// appendPlace appends where an expression is evaluated, as far as that is the
// same for all sessions.
func appendPlace(b []byte, q *query.Context) []byte {
	for _, s := range []string{q.State, q.Fn.AppName, q.Fn.AppID, q.Fn.AppTitle, q.Fn.Author, q.Fn.ComputerName, q.Fn.EngineVersion} {
		b = appendText(b, s)
	}
	for _, t := range []time.Time{q.Fn.ReloadTime, q.Fn.OpenTime} {
		b = binary.AppendVarint(b, t.UnixNano())
	}
	return b
}

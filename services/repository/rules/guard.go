package rules

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
)

// usersMaxDefault bounds the users whose results are kept, most recent first.
const usersMaxDefault = 2000

// A Guard holds the rules in force and keeps results per user, until something
// that they depend on changes. It is safe for concurrent use; a change does not
// stop readers.
type Guard struct {
	log      *slog.Logger
	usersMax int
	current  atomic.Pointer[generation]
	mu       sync.Mutex // one replacement at a time
}

// A generation is a set of rules with the results that came from it: whoever
// began with old rules keeps their results with the old ones.
type generation struct {
	set     *RuleSet
	changes changes
	mu      sync.Mutex
	users   map[fingerprint]*list.Element
	recent  *list.List // of *userResults, most recent first
}

type userResults struct {
	mark   fingerprint
	userID string
	*results
}

// NewGuard returns a guard with nothing kept. usersMax 0 is the default.
func NewGuard(set *RuleSet, usersMax int, log *slog.Logger) *Guard {
	if usersMax <= 0 {
		usersMax = usersMaxDefault
	}
	g := &Guard{log: log, usersMax: usersMax}
	g.current.Store(newGeneration(set))
	return g
}

func newGeneration(set *RuleSet) *generation {
	return &generation{set: set, users: map[fingerprint]*list.Element{}, recent: list.New()}
}

// Rules returns the rules in force.
func (g *Guard) Rules() *RuleSet { return g.current.Load().set }

// Access begins the decisions for one request, with what is known of its user.
func (g *Guard) Access(r Request) (*Access, error) {
	if r.User == nil {
		return nil, ErrNoUser
	}
	now := g.current.Load()
	mark, err := now.set.fingerprint(r)
	if err != nil {
		return nil, err
	}
	return now.set.access(r, now.of(mark, r.User.ID(), g.usersMax))
}

func (n *generation) of(mark fingerprint, userID string, usersMax int) *results {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.users[mark]; ok {
		n.recent.MoveToFront(known)
		return known.Value.(*userResults).results
	}
	fresh := &userResults{mark, userID, newResults(&n.changes)}
	n.users[mark] = n.recent.PushFront(fresh)
	if n.recent.Len() > usersMax {
		n.drop(n.recent.Back())
	}
	return fresh.results
}

func (n *generation) drop(e *list.Element) {
	delete(n.users, e.Value.(*userResults).mark)
	n.recent.Remove(e)
}

// Replace puts other rules in force and forgets all results and scores.
func (g *Guard) Replace(set *RuleSet, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.current.Store(newGeneration(set))
	g.logInvalidation("Complete", reason, "")
}

// Reset forgets all results and scores: the choice values of a custom property
// changed, the database was away, or a message of another node is missing.
func (g *Guard) Reset(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	same, _ := Compile(g.Rules().Rules()) // with scores of zero
	g.current.Store(newGeneration(same))
	g.logInvalidation("Complete", reason, "")
}

// UserChanged forgets the results of a user, and those that looked at him as
// an owner, say: an attribute, a role or a custom property changed.
func (g *Guard) UserChanged(id, reason string) {
	now := g.current.Load()
	now.mu.Lock()
	for e := now.recent.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*userResults).userID == id {
			now.drop(e)
		}
		e = next
	}
	now.mu.Unlock()
	g.changed("User", id, id, reason)
}

// EntityChanged forgets the results on an entity and those that looked at it.
// Of a relation that is a change of the one that refers to the other.
func (g *Guard) EntityChanged(id, reason string) { g.changed("Entity", id, id, reason) }

// ReferrersChanged forgets the results that looked at who refers to an entity by
// a back reference, its name in lower case: there is someone new. Whoever
// refers to it no more has changed himself, which [Guard.EntityChanged] tells.
func (g *Guard) ReferrersChanged(id, name, reason string) {
	g.changed("Entity", id, backKey(id, name).id, reason)
}

// changed notes a change of what a key of results is about.
func (g *Guard) changed(kind, id, key, reason string) {
	remembered := g.current.Load().changes.note(key)
	g.logInvalidation(kind, reason, id)
	if !remembered {
		g.Reset("too many changes")
	}
}

// logInvalidation logs small ones, of which each change brings some, for who
// looks for them.
func (g *Guard) logInvalidation(kind, reason, id string) {
	level := slog.LevelInfo
	if id != "" {
		level = slog.LevelDebug
	}
	g.log.Log(context.Background(), level, "cache invalidation", "kind", kind, "reason", reason, "id", id)
}

// A fingerprint stands for all of a request that conditions can read: two
// requests with the same one get the same answers.
type fingerprint [sha256.Size]byte

func (s *RuleSet) fingerprint(r Request) (fingerprint, error) {
	h := sha256.New()
	var buf []byte
	add := func(text string) { // lengths keep neighbours apart
		buf = binary.AppendUvarint(buf[:0], uint64(len(text)))
		h.Write(append(buf, text...))
	}
	addValues := func(values []Value) {
		h.Write(binary.AppendUvarint(buf[:0], uint64(len(values))))
		for _, v := range values {
			h.Write([]byte{byte(v.kind)})
			add(v.text)
		}
	}
	add(r.User.ID())
	h.Write([]byte{byte(r.Context)})
	if r.Node != nil {
		add(r.Node.ID())
	}
	for _, names := range [][]string{{"userid", "userdirectory"}, s.names} {
		for _, name := range names {
			values, err := r.User.Attr(name)
			if err != nil {
				return fingerprint{}, err
			}
			addValues(values)
			addValues(r.Session[name])
		}
	}
	for _, name := range s.around {
		addValues(r.Environment[name])
	}
	return fingerprint(h.Sum(nil)), nil
}

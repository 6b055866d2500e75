// Package session keeps the sessions of logged-in users.
//
// A session is found by a random token of 128 bits that only the user's browser
// holds; the store knows its hash. It ends by inactivity, by its id, with its
// user, or by logging out; whoever listens is told why.
package session

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultMax        = 100_000
	DefaultMaxPerUser = 100
	DefaultTimeout    = 30 * time.Minute
)

// ErrFull says that there are as many sessions as are allowed.
var ErrFull = errors.New("too many sessions")

// ErrTaken says that there is a session with this token already.
var ErrTaken = errors.New("session exists")

// tokenBytes is the randomness of a token.
const tokenBytes = 16

// tokenMinLen is how short a token from outside may be.
const tokenMinLen = 16

// Options are the settings of a store.
type Options struct {
	Max          int // sessions at a time; 0 = DefaultMax
	MaxAnonymous int // of them without a login, so that strangers do not lock users out; 0 = half of Max
	// MaxPerUser are those of a user at a prefix; with more, the one that was
	// idle longest ends: programs that keep no cookies start one per request.
	// 0 = DefaultMaxPerUser.
	MaxPerUser int
	Now        func() time.Time
	Rand       io.Reader // crypto/rand.Reader, but in tests
}

// Validate fills in defaults and says which field is wrong.
func (o *Options) Validate() error {
	if o.Now == nil || o.Rand == nil {
		return errors.New("session options: Now and Rand are needed")
	}
	if o.Max < 0 || o.MaxAnonymous < 0 || o.MaxPerUser < 0 {
		return fmt.Errorf("session options: Max %d, MaxAnonymous %d, MaxPerUser %d: below 0", o.Max, o.MaxAnonymous, o.MaxPerUser)
	}
	if o.MaxPerUser == 0 {
		o.MaxPerUser = DefaultMaxPerUser
	}
	if o.Max == 0 {
		o.Max = DefaultMax
	}
	if o.MaxAnonymous == 0 {
		o.MaxAnonymous = (o.Max + 1) / 2
	}
	return nil
}

// A Listener is told of every session that ended, once, after it is gone from
// the store. It runs on the goroutine that ended the session and must not wait.
type Listener func(*Session, Reason)

// A Store holds the sessions of all prefixes. Any number of goroutines may use it.
type Store struct {
	opt       Options
	listeners []Listener // fixed at New

	mu        sync.Mutex
	byKey     map[key]*Session
	byID      map[string]*Session
	byUser    map[string]map[*Session]struct{}
	anonymous int
}

// New makes an empty store.
func New(o Options, listeners ...Listener) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Store{opt: o, listeners: listeners, byKey: map[key]*Session{}, byID: map[string]*Session{}, byUser: map[string]map[*Session]struct{}{}}, nil
}

// Start makes a session with a fresh token, which it returns: nobody can find
// it out again. The error is ErrFull, or one of the source of randomness.
func (s *Store) Start(prefix string, u User, timeout time.Duration) (token string, _ *Session, _ error) {
	token, err := s.random()
	if err != nil {
		return "", nil, err
	}
	sess, err := s.Adopt(prefix, token, u, timeout)
	return token, sess, err
}

// Adopt makes a session with a token that somebody else chose: a session module.
// The error is ErrFull, ErrTaken, or says what is wrong with the token.
func (s *Store) Adopt(prefix, token string, u User, timeout time.Duration) (*Session, error) {
	if len(token) < tokenMinLen {
		return nil, fmt.Errorf("session id of %d characters, need %d", len(token), tokenMinLen)
	}
	csrf, err := s.random()
	if err != nil {
		return nil, err
	}
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	now, k := s.opt.Now(), hash(prefix, token)
	sess := &Session{
		ID: publicID(k), Prefix: prefix, User: u, Started: now, Timeout: timeout,
		key: k, csrf: csrf,
	}
	sess.life, sess.finish = context.WithCancel(context.Background())
	sess.Touch(now)
	if s.full(u) {
		s.Sweep()
	}
	for old := s.crowded(sess); old != nil; old = s.crowded(sess) {
		s.end(old, Closed)
	}
	return sess, s.add(sess)
}

// crowded returns the session that has to end before the user gets another one.
func (s *Store) crowded(next *Session) (idlest *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.byUser[next.owner()]
	if len(all) < s.opt.MaxPerUser {
		return nil
	}
	for x := range all {
		if idlest == nil || x.active.Load() < idlest.active.Load() {
			idlest = x
		}
	}
	return idlest
}

func (s *Store) random() (string, error) {
	b := make([]byte, tokenBytes)
	if _, err := io.ReadFull(s.opt.Rand, b); err != nil {
		return "", fmt.Errorf("random session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func (s *Store) full(u User) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fullLocked(u)
}

func (s *Store) fullLocked(u User) bool {
	return len(s.byKey) >= s.opt.Max || u.Anonymous() && s.anonymous >= s.opt.MaxAnonymous
}

func (s *Store) add(sess *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byKey[sess.key]; ok {
		return ErrTaken
	}
	if s.fullLocked(sess.User) {
		return ErrFull
	}
	s.byKey[sess.key], s.byID[sess.ID] = sess, sess
	of := sess.owner()
	if s.byUser[of] == nil {
		s.byUser[of] = map[*Session]struct{}{}
	}
	s.byUser[of][sess] = struct{}{}
	if sess.User.Anonymous() {
		s.anonymous++
	}
	return nil
}

// Find returns the session of a token and notes activity. A session whose time
// is over is ended here, even if nobody swept.
func (s *Store) Find(prefix, token string) (*Session, bool) {
	s.mu.Lock()
	sess, ok := s.byKey[hash(prefix, token)]
	s.mu.Unlock()
	if !ok {
		return nil, false
	}
	now := s.opt.Now()
	if sess.expired(now) {
		s.end(sess, TimedOut)
		return nil, false
	}
	sess.Touch(now)
	return sess, true
}

// Get returns the session with this id, or with this token: clients of the REST
// interface know the one or the other. It is no activity.
func (s *Store) Get(prefix, id string) (*Session, bool) {
	s.mu.Lock()
	sess, ok := s.byID[strings.ToLower(id)]
	if !ok {
		sess, ok = s.byKey[hash(prefix, id)]
	}
	s.mu.Unlock()
	if !ok || sess.Prefix != prefix || sess.expired(s.opt.Now()) {
		return nil, false
	}
	return sess, true
}

// List returns the sessions of a prefix, the oldest first.
func (s *Store) List(prefix string) []*Session {
	now := s.opt.Now()
	return s.where(func(x *Session) bool { return x.Prefix == prefix && !x.expired(now) })
}

// OfUser returns the sessions of a user at a prefix, the oldest first.
func (s *Store) OfUser(prefix, directory, id string) []*Session {
	now := s.opt.Now()
	return s.where(func(x *Session) bool { return x.Prefix == prefix && x.User.Is(directory, id) && !x.expired(now) })
}

// Len returns how many sessions there are at all prefixes.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

func (s *Store) where(keep func(*Session) bool) []*Session {
	s.mu.Lock()
	var found []*Session
	for _, sess := range s.byKey {
		if keep(sess) {
			found = append(found, sess)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b *Session) int {
		if c := a.Started.Compare(b.Started); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found
}

// End ends a session. It reports whether it ran until now.
func (s *Store) End(sess *Session, why Reason) bool { return s.end(sess, why) }

// Entities returns the ids of the users of sessions, as far as they are known.
func (s *Store) Entities() []string {
	var ids []string
	for _, sess := range s.where(func(x *Session) bool { return x.User.Entity != "" }) {
		ids = append(ids, sess.User.Entity)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// EndEntity is EndUserEverywhere of a user of whom only the id is known.
func (s *Store) EndEntity(id string, why Reason) (n int) {
	for _, sess := range s.where(func(x *Session) bool { return id != "" && x.User.Entity == id }) {
		if s.end(sess, why) {
			n++
		}
	}
	return n
}

// EndUser ends the sessions of a user at a prefix and returns them.
func (s *Store) EndUser(prefix, directory, id string, why Reason) []*Session {
	var ended []*Session
	for _, sess := range s.OfUser(prefix, directory, id) {
		if s.end(sess, why) {
			ended = append(ended, sess)
		}
	}
	return ended
}

// EndUserEverywhere ends a user's sessions at every prefix: for users who were
// removed or blocked.
func (s *Store) EndUserEverywhere(directory, id string, why Reason) (n int) {
	for _, sess := range s.where(func(x *Session) bool { return x.User.Is(directory, id) }) {
		if s.end(sess, why) {
			n++
		}
	}
	return n
}

// EndOthers ends the sessions of all prefixes but some.
func (s *Store) EndOthers(prefixes []string, why Reason) (n int) {
	for _, sess := range s.where(func(x *Session) bool { return !slices.Contains(prefixes, x.Prefix) }) {
		if s.end(sess, why) {
			n++
		}
	}
	return n
}

// Sweep ends the sessions that were idle for too long and returns how many.
func (s *Store) Sweep() (n int) {
	now := s.opt.Now()
	for _, sess := range s.where(func(x *Session) bool { return x.expired(now) }) {
		if s.end(sess, TimedOut) {
			n++
		}
	}
	return n
}

func (s *Store) end(sess *Session, why Reason) bool {
	s.mu.Lock()
	if s.byKey[sess.key] != sess {
		s.mu.Unlock()
		return false
	}
	delete(s.byKey, sess.key)
	delete(s.byID, sess.ID)
	of := sess.owner()
	if delete(s.byUser[of], sess); len(s.byUser[of]) == 0 {
		delete(s.byUser, of)
	}
	if sess.User.Anonymous() {
		s.anonymous--
	}
	sess.reason.Store(int32(why))
	sess.finish()
	s.mu.Unlock()
	for _, told := range s.listeners {
		told(sess, why)
	}
	return true
}

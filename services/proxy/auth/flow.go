package auth

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"
)

// Bounds of logins under way.
const (
	flowTTL = 10 * time.Minute
	flowMax = 20_000
)

// bindingLen is the length of a randomID.
const bindingLen = 22

// flows are logins that began here and come back from elsewhere. Each belongs
// to the browser that began it, by a cookie: otherwise somebody could let a
// victim's browser finish a login of their own.
type flows[V any] struct {
	cookie    string
	crossSite bool // the way back is a form that another site posts
	random    io.Reader
	pending   *Once[flow[V]]
}

type flow[V any] struct {
	binding string
	target  string
	value   V
}

func newFlows[V any](cookie string, random io.Reader, now func() time.Time) *flows[V] {
	return &flows[V]{cookie: cookie, random: random, pending: NewOnce[flow[V]](flowTTL, flowMax, now)}
}

// begin remembers where the login returns to, under an id that it returns with
// the cookie to set.
func (f *flows[V]) begin(r *Request, v V) (id string, _ Cookie, _ error) {
	id, err := randomID(f.random)
	if err != nil {
		return "", Cookie{}, err
	}
	binding, err := f.binding(r)
	if err != nil {
		return "", Cookie{}, err
	}
	f.pending.Put(id, flow[V]{binding: binding, target: r.Target(), value: v})
	return id, Cookie{Name: f.cookie, Value: binding, MaxAge: flowTTL, CrossSite: f.crossSite}, nil
}

// binding is that of the browser's other tabs, if there is one.
func (f *flows[V]) binding(r *Request) (string, error) {
	if b := r.Cookie(f.cookie); len(b) == bindingLen {
		return b, nil
	}
	return randomID(f.random)
}

// finish ends the login with this id, once.
func (f *flows[V]) finish(r *Request, id string) (target string, v V, _ error) {
	if id == "" {
		return "", v, fmt.Errorf("no login named")
	}
	got, ok := f.pending.Take(id)
	if !ok {
		return "", v, fmt.Errorf("login %.30q: unknown, over or used", id)
	}
	if subtle.ConstantTimeCompare([]byte(r.Cookie(f.cookie)), []byte(got.binding)) != 1 {
		return "", v, fmt.Errorf("login %.30q began in another browser", id)
	}
	return got.target, got.value, nil
}

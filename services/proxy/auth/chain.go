package auth

import (
	"context"
	"net/http"
)

// A Chain is the methods of a virtual proxy, in the order they are asked.
type Chain []Method

// A Refusal is an entry of the audit security log.
type Refusal struct{ Method, Reason string }

// Must reports whether the methods have to be asked though there is a session.
func (c Chain) Must(r *Request) bool {
	for _, m := range c {
		if m.Owns(r.Path) || m.Credentials(r) {
			return true
		}
	}
	return false
}

// Authenticate asks the methods until one decides; at an end point of a method
// only that one. If none does, the request is refused. Users who may never log
// in are refused whatever a method says of them.
func (c Chain) Authenticate(ctx context.Context, r *Request) (Answer, []Refusal) {
	var refusals []Refusal
	var cookies []Cookie
	for _, m := range c.asked(r) {
		a := m.Authenticate(ctx, r)
		if a.User != nil {
			if err := Admissible(*a.User); err != nil {
				a = refuse(err.Error())
			}
		}
		if a.Refused != "" {
			refusals = append(refusals, Refusal{Method: m.Name(), Reason: a.Refused})
		}
		cookies = append(cookies, a.Cookies...)
		if a.decided() {
			a.Cookies = cookies
			return a, refusals
		}
	}
	return Answer{Status: http.StatusUnauthorized, Cookies: cookies}, refusals
}

func (c Chain) asked(r *Request) Chain {
	for i, m := range c {
		if m.Owns(r.Path) {
			return c[i : i+1]
		}
	}
	return c
}

package qix

import (
	"time"

	"github.com/cognate-bi/cognate/engine/session"
)

// A Done is a request that has ended, as watchers are told of it.
type Done struct {
	Session    *session.Session
	Method     string // as Doc::DoReload
	RequestID  string // as JSON
	Handle     int
	ObjectID   string // what the handle stands for; "" = the engine
	ObjectType string
	AppID      string // that is open when the request has ended; "" = none
	AppTitle   string
	Params     []string // texts among the parameters by position, "" for others; of requests to the engine only
	Waited     time.Duration
	Begun      time.Time
	Took       time.Duration
	Err        *Error // nil: none
}

// Watch tells of each request that has its turn, when it begins. What f returns
// is called once the request has ended, when all of d is known; nil if nobody
// wants to know. It is set before the first frame comes in.
func (c *Conn) Watch(f func(d *Done) (ended func())) { c.watch = f }

// watching tells of a request that begins. The end is told by what it returns.
func (c *Conn) watching(r *request, begun time.Time) func(*Error, time.Time) {
	nobody := func(*Error, time.Time) {}
	if c.watch == nil {
		return nobody
	}
	d := &Done{Session: c.s, Method: string(global) + "::" + r.method, RequestID: r.key(), Handle: r.handle, Begun: begun, Waited: begun.Sub(r.arrived)}
	if r.handle == -1 {
		for i := range r.params.Len() {
			d.Params = append(d.Params, r.params.Item(i).Str())
		}
	} else if ref, err := c.s.Handle(r.handle); err == nil {
		d.Method, d.ObjectID, d.ObjectType = string(ref.Class)+"::"+r.method, ref.ID, ref.Type
	}
	tell := c.watch(d)
	if tell == nil {
		return nobody
	}
	d.app()
	return func(e *Error, ended time.Time) {
		d.Took, d.Err = ended.Sub(begun), e
		d.app()
		tell()
	}
}

// app notes the app that is open. One that was is not forgotten.
func (d *Done) app() {
	if a := d.Session.Current(); a != nil {
		d.AppID, d.AppTitle = a.ID, a.Title()
	}
}

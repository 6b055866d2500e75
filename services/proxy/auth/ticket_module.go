package auth

import (
	"context"
	"fmt"
	"net/url"
)

// TicketModuleOptions are the settings of an authentication module.
type TicketModuleOptions struct {
	Prefix  string
	URI     string // of the module
	RestURI string // of the REST interface, as the module reaches it: https://host:4243/qps/<prefix>/
}

// TicketModule sends people to a module that knows them. It gets a ticket from
// the REST interface and sends them back with it.
type TicketModule struct {
	opt     TicketModuleOptions
	tickets *Tickets
	uri     *url.URL
}

var _ Method = (*TicketModule)(nil)

// NewTicketModule says which setting is wrong.
func NewTicketModule(o TicketModuleOptions, t *Tickets) (*TicketModule, error) {
	u, err := url.Parse(o.URI)
	if err != nil {
		return nil, fmt.Errorf("authentication module: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("authentication module %q: need an http or https address", o.URI)
	}
	return &TicketModule{opt: o, tickets: t, uri: u}, nil
}

// Name implements Method.
func (*TicketModule) Name() string { return "authentication module" }

// Owns implements Method.
func (*TicketModule) Owns(string) bool { return false }

// Credentials implements Method.
func (*TicketModule) Credentials(*Request) bool { return false }

// Authenticate implements Method.
func (m *TicketModule) Authenticate(_ context.Context, r *Request) Answer {
	if r.Foreign {
		return refuseHost(r)
	}
	id, err := m.tickets.remember(m.opt.Prefix, r.Origin()+r.Target())
	if err != nil {
		return unavailable(err.Error())
	}
	u := *m.uri
	q := u.Query()
	q.Set("targetId", id)
	q.Set("proxyRestUri", m.opt.RestURI)
	u.RawQuery = q.Encode()
	return challenge(r, u.String())
}

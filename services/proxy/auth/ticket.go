package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Life and number of tickets and of the targets they lead to.
const (
	TicketTTL  = time.Minute
	ticketsMax = 50_000
	targetTTL  = 10 * time.Minute
)

// ticketParameter is the parameter that brings a ticket.
const ticketParameter = "qlikTicket"

// Tickets are what authentication modules exchange for sessions. The REST
// interface issues them, Ticket redeems them. Any number of goroutines may use
// them.
type Tickets struct {
	random  io.Reader
	tickets *Once[ticket]
	targets *Once[string] // by prefix and target id: the absolute address
}

type ticket struct {
	prefix string
	user   session.User
}

// NewTickets makes an empty store.
func NewTickets(random io.Reader, now func() time.Time) *Tickets {
	return &Tickets{
		random: random, tickets: NewOnce[ticket](TicketTTL, ticketsMax, now),
		targets: NewOnce[string](targetTTL, flowMax, now),
	}
}

// Issue makes a ticket for a user at a prefix. It returns the address that the
// target id stands for, too; "" if it stands for none.
func (t *Tickets) Issue(prefix string, u session.User, targetID string) (id, targetURI string, _ error) {
	if err := Admissible(u); err != nil {
		return "", "", err
	}
	id, err := randomID(t.random)
	if err != nil {
		return "", "", err
	}
	t.tickets.Put(id, ticket{prefix: prefix, user: u})
	if targetID != "" {
		targetURI, _ = t.targets.Take(prefix + "\x00" + targetID)
	}
	return id, targetURI, nil
}

// Len returns how many tickets are open.
func (t *Tickets) Len() int { return t.tickets.Len() }

// remember keeps where a login returns to.
func (t *Tickets) remember(prefix, uri string) (targetID string, _ error) {
	id, err := uuid.NewRandomFromReader(t.random)
	if err != nil {
		return "", fmt.Errorf("random id: %w", err)
	}
	t.targets.Put(prefix+"\x00"+id.String(), uri)
	return id.String(), nil
}

// Ticket redeems tickets of one prefix. A ticket that does not count leaves the
// client as it was.
type Ticket struct {
	prefix  string
	tickets *Tickets
}

var _ Method = (*Ticket)(nil)

// NewTicket makes the method of a prefix.
func NewTicket(prefix string, t *Tickets) *Ticket { return &Ticket{prefix: prefix, tickets: t} }

// Name implements Method.
func (*Ticket) Name() string { return "ticket" }

// Owns implements Method.
func (*Ticket) Owns(string) bool { return false }

// Credentials implements Method.
func (*Ticket) Credentials(r *Request) bool { return r.Query.Has(ticketParameter) }

// Authenticate implements Method.
func (t *Ticket) Authenticate(_ context.Context, r *Request) Answer {
	if !t.Credentials(r) {
		return Answer{}
	}
	u, err := t.redeem(r)
	if err == nil {
		return Answer{User: u, Return: r.Target()}
	}
	return Answer{User: r.Current, Return: r.Target(), Refused: err.Error()}
}

func (t *Ticket) redeem(r *Request) (*session.User, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, fmt.Errorf("ticket came with %s", r.Method)
	}
	if n := len(r.Query[ticketParameter]); n != 1 {
		return nil, fmt.Errorf("%d tickets at once", n)
	}
	got, ok := t.tickets.tickets.Take(r.Query.Get(ticketParameter))
	if !ok {
		return nil, errors.New("ticket unknown, over or used")
	}
	if got.prefix != t.prefix {
		return nil, fmt.Errorf("ticket of the virtual proxy %q", got.prefix)
	}
	return &got.user, nil
}

// withoutTicket is a target without the parameter. The other ones keep their
// bytes and their order.
func withoutTicket(uri string) string {
	path, query, _ := strings.Cut(uri, "?")
	var kept []string
	for _, p := range strings.Split(query, "&") {
		name, _, _ := strings.Cut(p, "=")
		if n, err := url.QueryUnescape(name); err == nil && n == ticketParameter || p == "" {
			continue
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		return path
	}
	return path + "?" + strings.Join(kept, "&")
}

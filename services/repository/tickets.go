package repository

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/rules"
)

// ticketTTL is how long a ticket for a download counts.
const ticketTTL = time.Minute

// tickets are what downloads are fetched with, each once.
type tickets struct {
	mu   sync.Mutex
	open map[string]ticket
}

type ticket struct {
	caller, name string
	until        time.Time
}

func (t *tickets) issue(c *Caller, name string, now time.Time) (id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[string]ticket{}
	}
	maps.DeleteFunc(t.open, func(_ string, x ticket) bool { return now.After(x.until) })
	id = uuid.NewString()
	t.open[id] = ticket{c.String(), name, now.Add(ticketTTL)}
	return id
}

// take returns what a ticket of the caller's is for, "" if it does not count.
func (t *tickets) take(c *Caller, id string, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, ok := t.open[id]
	if !ok || x.caller != c.String() || now.After(x.until) {
		return ""
	}
	delete(t.open, id)
	return x.name
}

// MetadataTicket makes a ticket with which the caller may fetch what an identity
// provider has to know of a virtual proxy, once.
func (r *Repository) MetadataTicket(ctx context.Context, c *Caller, virtualProxyID string) (ticket string, err error) {
	_, e, err := r.allowed(ctx, c, "VirtualProxyConfig", virtualProxyID, rules.Read)
	if err != nil {
		return "", err
	}
	return r.tickets.issue(c, e.ID, r.now()), nil
}

// TakeMetadata returns the virtual proxy that a ticket of the caller's is for.
func (r *Repository) TakeMetadata(c *Caller, ticket string) (virtualProxyID string, err error) {
	id := r.tickets.take(c, ticket, r.now())
	if id == "" {
		return "", fmt.Errorf("ticket %s: %w", ticket, ErrNotFound)
	}
	return id, nil
}

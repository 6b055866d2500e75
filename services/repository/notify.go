package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Bounds and times of notifications.
const (
	noticesMax   = 1000 // changes that wait for one subscriber; the oldest go
	noticesBatch = 100  // in one call
	noticeTries  = 6    // of one call: over about half a minute
	failuresMax  = 20   // calls given up in a row, after which the subscription goes
	noticePause  = 500 * time.Millisecond

	changesKept  = 30 * 24 * time.Hour
	pruneEvery   = time.Hour
	noticeReason = "the subscriber does not answer"
)

// A Post calls a subscriber's address. It has to make sure that whoever answers
// belongs to the site.
type Post func(ctx context.Context, address string, body []byte) error

// notices are the subscriptions that somebody delivers for.
type notices struct {
	mu      sync.Mutex
	all     map[string]Subscription
	changed chan struct{} // closed when all is another one
}

func (n *notices) set(all map[string]Subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = all
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// get returns the subscriptions, and a channel that is closed when there are
// others.
func (n *notices) get() (map[string]Subscription, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	return n.all, n.changed
}

// Notify tells subscribers of changes since the repository was opened until ctx
// ends; one process of a site does.
// What a subscriber cannot be told within about half a minute is dropped, and
// after many times so is the subscription.
func (r *Repository) Notify(ctx context.Context, post Post) {
	if err := r.changeSubscriptions(ctx, func(map[string]Subscription) error { return nil }); err != nil && ctx.Err() == nil {
		r.log.Error("subscriptions could not be read", "err", err)
	}
	since := r.opened
	o := &office{r: r, post: post, boxes: map[string]*box{}}
	defer o.running.Wait()
	o.running.Go(func() { o.prune(ctx) })
	o.running.Go(func() { o.keep(ctx) })
	for ctx.Err() == nil {
		err := r.Changes(ctx, since, func(batch []store.Change) error {
			if err := o.sort(ctx, batch); err != nil {
				return err
			}
			since = batch[len(batch)-1].Seq
			return nil
		})
		if errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
			return
		}
		r.log.Error("changes cannot be told of, trying again", "err", err)
		pause(ctx, time.Second)
	}
}

// An office has a box for each subscription.
type office struct {
	r       *Repository
	post    Post
	running sync.WaitGroup
	mu      sync.Mutex
	boxes   map[string]*box
}

// A box is what waits for a subscriber.
type box struct {
	handle  string
	of      Subscription
	stop    context.CancelFunc
	mu      sync.Mutex
	waiting []store.Change
	lost    int
	bell    chan struct{} // has room for one ring
}

// keep keeps the boxes in step with the subscriptions.
func (o *office) keep(ctx context.Context) {
	for ctx.Err() == nil {
		all, changed := o.r.notices.get()
		o.arrange(ctx, all)
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// arrange makes the boxes those of the subscriptions, and returns them.
func (o *office) arrange(ctx context.Context, all map[string]Subscription) []*box {
	o.mu.Lock()
	defer o.mu.Unlock()
	for handle, b := range o.boxes {
		if _, still := all[handle]; !still {
			b.stop()
			delete(o.boxes, handle)
		}
	}
	boxes := make([]*box, 0, len(all))
	for handle, of := range all {
		if o.boxes[handle] == nil {
			within, stop := context.WithCancel(ctx)
			b := &box{handle: handle, of: of, stop: stop, bell: make(chan struct{}, 1)}
			o.boxes[handle] = b
			o.running.Go(func() { o.deliver(within, b) })
		}
		boxes = append(boxes, o.boxes[handle])
	}
	return boxes
}

// sort puts changes into the boxes of those who want them: whoever has subscribed
// before a change has a box then.
func (o *office) sort(ctx context.Context, batch []store.Change) error {
	all, _ := o.r.notices.get()
	for _, b := range o.arrange(ctx, all) {
		for i := range batch {
			wanted, err := o.r.wants(ctx, &b.of, &batch[i])
			if err != nil {
				return err
			}
			if wanted {
				b.put(batch[i])
			}
		}
	}
	return nil
}

func (b *box) put(c store.Change) {
	b.mu.Lock()
	b.waiting = append(b.waiting, c)
	if more := len(b.waiting) - noticesMax; more > 0 {
		b.waiting = slices.Delete(b.waiting, 0, more)
		b.lost += more
	}
	b.mu.Unlock()
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// take takes the next changes out, and how many were lost before.
func (b *box) take() (batch []store.Change, lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), noticesBatch)
	batch, lost = slices.Clone(b.waiting[:n]), b.lost
	b.waiting, b.lost = slices.Delete(b.waiting, 0, n), 0
	return batch, lost
}

// deliver calls a subscriber until ctx ends.
func (o *office) deliver(ctx context.Context, b *box) {
	log := o.r.log.With("subscription", b.handle, "type", b.of.Type, "url", b.of.URL)
	failed := 0
	for {
		batch, lost := b.take()
		if lost > 0 {
			log.Warn("changes were dropped: too many wait", "changes", lost)
		}
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-b.bell:
				continue
			}
		}
		err := o.call(ctx, b, batch)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failed = 0
			continue
		}
		log.Warn("changes were dropped: "+noticeReason, "changes", len(batch), "err", err)
		if failed++; failed < failuresMax {
			continue
		}
		log.Error("the subscription is dropped: " + noticeReason)
		self := Service("repository")
		if err := o.r.Unsubscribe(ctx, &self, b.handle); err != nil && ctx.Err() == nil {
			log.Error("the subscription could not be dropped", "err", err)
		}
		return
	}
}

// call tells a subscriber of changes, with longer and longer pauses between
// tries.
func (o *office) call(ctx context.Context, b *box, batch []store.Change) error {
	body, err := o.r.noticeBody(ctx, batch)
	if err != nil {
		return err
	}
	wait := noticePause
	for try := 1; ; try++ {
		if err = o.post(ctx, b.of.URL, body); err == nil || try == noticeTries {
			return err
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return ctx.Err()
		}
		wait *= 2
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// noticeBody is the JSON of changes as subscribers get it.
func (r *Repository) noticeBody(ctx context.Context, batch []store.Change) ([]byte, error) {
	var ids []string
	for _, c := range batch {
		if r.schema.Type(c.Type).Field("engineObjectId") != nil {
			ids = append(ids, c.ID)
		}
	}
	known := map[string]*store.Entity{}
	if len(ids) > 0 {
		var err error
		if known, err = r.store.ByIDs(ctx, ids); err != nil {
			return nil, fmt.Errorf("objects of changes: %w", err)
		}
	}
	out := make([]map[string]any, len(batch))
	for i, c := range batch {
		at := schema.FormatDate(c.At)
		out[i] = map[string]any{
			"changeType": c.Kind, "objectType": r.schema.Type(c.Type).SchemaPath, "objectID": c.ID, "changedProperties": append([]string{}, c.Properties...),
			"engineID": nil, "engineType": nil, "createdDate": at, "modifiedDate": at, "schemaPath": "ChangeInfo",
		}
		if e := known[c.ID]; e != nil {
			out[i]["engineID"], out[i]["engineType"] = e.Doc["engineObjectId"], e.Doc["engineObjectType"]
		}
	}
	return json.Marshal(out)
}

// prune forgets old changes now and then.
func (o *office) prune(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		err := o.r.store.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.PruneChanges(ctx, o.r.now().Add(-changesKept))
			return err
		})
		if err != nil && ctx.Err() == nil {
			o.r.log.Warn("old changes could not be removed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

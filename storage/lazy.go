package storage

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A loader brings a column or a symbol table into memory when it is first
// asked for. It is shared by all that wait for the same arrays.
type loader struct {
	once sync.Once
	load func()
}

// lazy is what waits for a loader; the zero value waits for nothing.
type lazy struct{ loader atomic.Pointer[loader] }

func (l *lazy) ready() {
	if x := l.loader.Load(); x != nil {
		l.wait(x)
	}
}

func (l *lazy) isReady() bool { return l.loader.Load() == nil }

func (l *lazy) wait(x *loader) {
	x.once.Do(x.load)
	l.loader.Store(nil)
}

// A Damage keeps the first thing found wrong with data that are read when
// they are first asked for. Those who ask go on with NULL instead; whoever
// answers a client looks here before the answer is given.
type Damage struct {
	name  string // of what is read
	first atomic.Pointer[error]
}

func (d *Damage) report(err error) {
	err = fmt.Errorf("%s: %w", d.name, err)
	d.first.CompareAndSwap(nil, &err)
}

// Err returns what is wrong, nil as far as is known.
func (d *Damage) Err() error {
	if d == nil {
		return nil
	}
	if err := d.first.Load(); err != nil {
		return *err
	}
	return nil
}

package memo

import (
	"sync"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map[int, *int]
	first := m.Get(1, func() *int { return new(int) })
	if again := m.Get(1, func() *int { return new(int) }); again != first {
		t.Error("made twice")
	}
	for k := range 2 * entriesMax {
		m.Get(k, func() *int { return new(int) })
	}
	if n := len(*m.m.Load()); n != entriesMax {
		t.Errorf("%d entries, want %d", n, entriesMax)
	}
}

// All goroutines get one value.
func TestConcurrentGet(t *testing.T) {
	var m Map[int, *int]
	var wg sync.WaitGroup
	got := make([]*int, 8)
	for i := range got {
		wg.Go(func() { got[i] = m.Get(7, func() *int { return new(int) }) })
	}
	wg.Wait()
	for _, p := range got {
		if p != got[0] {
			t.Fatal("two values of one key")
		}
	}
}

package enginehost

import (
	"runtime"
	"sync"
	"time"
)

// A machine is what the process and the machine have of it, in bytes.
type machine struct{ committed, allocated, free, total int64 }

// Readings of the processor time: a mean is taken over the last of them.
const (
	readingEvery = 5 * time.Second
	readingsMax  = 7 // 30 s, with both ends
)

// A load is how busy the process keeps the processors. Any number of goroutines
// may use it.
type load struct {
	mu       sync.Mutex
	readings []reading
}

// A reading is the processor time of the process at a time.
type reading struct {
	at   time.Time
	used time.Duration
}

// note takes a reading.
func (l *load) note(at time.Time, used time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readings = append(l.readings, reading{at, used})
	l.readings = l.readings[max(0, len(l.readings)-readingsMax):]
}

// percent is the mean of the last 30 seconds up to a reading, of all
// processors together.
func (l *load) percent(at time.Time, used time.Duration) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.readings) == 0 {
		return 0
	}
	first := l.readings[0]
	passed := at.Sub(first.at) * time.Duration(runtime.NumCPU())
	if passed <= 0 {
		return 0
	}
	return min(100, max(0, 100*float64(used-first.used)/float64(passed)))
}

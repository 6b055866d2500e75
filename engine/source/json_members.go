package source

import (
	"encoding/json"
	"fmt"
)

// members calls f for the members of a record, those of nested objects
// included (named outer.inner). A record that is no object has one member,
// named value. record is valid JSON, so what follows what need not be checked
// again.
func members(record json.RawMessage, f func(name string, value json.RawMessage) error) error {
	w := memberWalk{text: record, f: f}
	w.blanks()
	if w.text[w.pos] != '{' {
		return f("value", record)
	}
	return w.object("", 0)
}

// A memberWalk goes over one valid JSON text.
type memberWalk struct {
	text json.RawMessage
	pos  int
	f    func(name string, value json.RawMessage) error
}

func (w *memberWalk) blanks() {
	for w.text[w.pos] == ' ' || w.text[w.pos] == '\t' || w.text[w.pos] == '\n' || w.text[w.pos] == '\r' {
		w.pos++
	}
}

func (w *memberWalk) object(prefix string, depth int) error {
	if depth > jsonDepthMax {
		return fmt.Errorf("objects nested more than %d deep: %w", jsonDepthMax, ErrFormat)
	}
	w.pos++ // {
	for {
		w.blanks()
		switch w.text[w.pos] {
		case '}':
			w.pos++
			return nil
		case ',':
			w.pos++
			continue
		}
		name, err := w.name()
		if err != nil {
			return err
		}
		w.blanks()
		w.pos++ // :
		w.blanks()
		if w.text[w.pos] == '{' {
			if err := w.object(prefix+name+".", depth+1); err != nil {
				return err
			}
			continue
		}
		start := w.pos
		w.skipValue()
		if err := w.f(prefix+name, w.text[start:w.pos]); err != nil {
			return err
		}
	}
}

func (w *memberWalk) name() (string, error) {
	start := w.pos
	w.skipString()
	raw := w.text[start:w.pos]
	plain := raw[1 : len(raw)-1]
	for _, c := range plain {
		if c == '\\' {
			var s string
			err := json.Unmarshal(raw, &s)
			return s, err
		}
	}
	return string(plain), nil
}

func (w *memberWalk) skipString() {
	for w.pos++; w.text[w.pos] != '"'; w.pos++ {
		if w.text[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
}

// skipValue moves over a value that is no object.
func (w *memberWalk) skipValue() {
	switch w.text[w.pos] {
	case '"':
		w.skipString()
	case '[':
		for depth := 0; ; {
			switch w.text[w.pos] {
			case '"':
				w.skipString()
				continue
			case '[':
				depth++
			case ']':
				depth--
			}
			if w.pos++; depth == 0 {
				return
			}
		}
	default:
		for c := w.text[w.pos]; c != ',' && c != '}' && c != ' ' && c != '\n' && c != '\r' && c != '\t'; c = w.text[w.pos] {
			w.pos++
		}
	}
}

package api

import (
	"log/slog"
	"strings"
	"unicode/utf8"
)

// facilityKey names the log that a row belongs to.
const facilityKey = "facility"

// clientMessageMax bounds what a client may have logged, in bytes.
const clientMessageMax = 8 << 10

// A clientMessage is what a client wants to have logged: an application or the
// console in a browser.
type clientMessage struct {
	LogLevel        string `json:"logLevel"`
	ApplicationName string `json:"applicationName"`
	Browser         string `json:"browser"`
	Message         string `json:"message"`
}

// clientLog logs what clients say in a facility of their own, which names them
// in a column.
func (s *Server) clientLog(facility, column string, who func(*clientMessage) string) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		var m clientMessage
		if err := r.json(&m); err != nil {
			return answer{}, err
		}
		level, ok := clientLevel(m.LogLevel)
		switch {
		case !ok:
			return answer{}, badRequest("logLevel %q: want Debug, Info, Warning, Error or Fatal", m.LogLevel)
		case m.Message == "":
			return answer{}, badRequest("message is missing")
		}
		s.opt.ClientLog.Log(r, level, cut(m.Message), facilityKey, facility, column, cut(who(&m)), "user", r.caller.String())
		return empty()
	}
}

func clientLevel(name string) (slog.Level, bool) {
	switch strings.ToLower(name) {
	case "debug", "verbose", "trace":
		return slog.LevelDebug, true
	case "", "info", "information":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "error", "fatal":
		return slog.LevelError, true
	}
	return 0, false
}

// cut shortens a text that is too long, between two letters.
func cut(text string) string {
	if len(text) <= clientMessageMax {
		return text
	}
	end := clientMessageMax
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

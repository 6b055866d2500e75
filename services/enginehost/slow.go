package enginehost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/metrics"
	"time"

	"github.com/cognate-bi/cognate/engine/qix"
)

// Slow says from when on a request that is watched is told of as a warning, or
// as an error; below that it is information. Limits of a kind are set together;
// zero means the default.
type Slow struct {
	WarningBytes, ErrorBytes int64         // 1 GiB, 2 GiB
	WarningTime, ErrorTime   time.Duration // 30 s, 60 s
}

func (s *Slow) validate() error {
	if (s.WarningBytes == 0) != (s.ErrorBytes == 0) || (s.WarningTime == 0) != (s.ErrorTime == 0) {
		return errors.New("limits of slow requests: of memory and of time, warning and error are set together")
	}
	if s.WarningBytes == 0 {
		s.WarningBytes, s.ErrorBytes = 1<<30, 2<<30
	}
	if s.WarningTime == 0 {
		s.WarningTime, s.ErrorTime = 30*time.Second, time.Minute
	}
	if s.WarningBytes > s.ErrorBytes || s.WarningTime > s.ErrorTime {
		return fmt.Errorf("limits of slow requests: a warning at %d bytes, %v comes after the error at %d bytes, %v", s.WarningBytes, s.WarningTime, s.ErrorBytes, s.ErrorTime)
	}
	return nil
}

// level is how a request that took so much is told of.
func (s *Slow) level(took time.Duration, bytes int64) slog.Level {
	switch {
	case took > s.ErrorTime || bytes > s.ErrorBytes:
		return slog.LevelError
	case took > s.WarningTime || bytes > s.WarningBytes:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// watched are the methods whose requests have rows, by the names that logs know
// them by.
var watched = map[string]string{
	"Global::OpenDoc": "Global::OpenApp", "Doc::DoReload": "Doc::DoReload", "Doc::DoReloadEx": "Doc::DoReloadEx", "Doc::DoSave": "Doc::DoSave", "GenericObject::GetLayout": "GenericObject::GetLayout",
}

// A heap is what Go has allocated, and has in use. Go does not tell requests
// apart: what others take meanwhile counts, too.
type heap struct{ allocated, used int64 }

func readHeap() heap {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	return heap{int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())}
}

// performed tells of a request by how long it took and what was allocated
// meanwhile.
func (h *Host) performed(who *client, d *qix.Done, before heap) {
	now := readHeap()
	peak, net := now.allocated-before.allocated, max(0, now.used-before.used)
	failed := d.Err != nil
	ms := func(t time.Duration) float64 { return float64(t.Microseconds()) / 1e3 }
	level := h.opt.Slow.level(d.Took, peak)
	h.slow.Log(context.Background(), level, "QIX request", append(who.attrs(), "SessionId", d.Session.LogID, "CServerId", h.process, "Method", watched[d.Method], "RequestId", d.RequestID,
		"Target", d.Method, "RequestException", failed, "AnyException", failed, "ProcessTime", ms(d.Took), "WorkTime", ms(d.Took), "LockTime", ms(d.Waited),
		"Handle", d.Handle, "AppId", d.AppID, "DocId", d.AppID, "ObjectId", unknown(d.ObjectID), "ObjectType", unknown(d.ObjectType), "NetRam", net, "PeakRam", peak)...)
}

func unknown(text string) string {
	if text == "" {
		return "<Unknown>"
	}
	return text
}

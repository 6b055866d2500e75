package site

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// TestSteadyClock holds that the clock of sessions goes by what has passed, not
// by what the clock on the wall is set to: its times agree with a monotonic
// clock, and a session that was in use has not timed out.
func TestSteadyClock(t *testing.T) {
	now := steadyClock()
	begun, first := time.Now(), now()
	time.Sleep(20 * time.Millisecond)
	passed, wall := time.Since(begun), now().UnixNano()-first.UnixNano()
	if diff := passed - time.Duration(wall); diff < -5*time.Millisecond || diff > 5*time.Millisecond {
		t.Errorf("%v have passed, the clock says %v", passed, time.Duration(wall))
	}
	sessions, err := session.New(session.Options{Now: now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := sessions.Start("", session.User{Directory: "D", ID: "u"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := sessions.Find("", token); !ok {
		t.Error("a session in use has timed out")
	}
}

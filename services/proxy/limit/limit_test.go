package limit

import (
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func TestAllow(t *testing.T) {
	now := time.Unix(0, 0)
	l := New(1, 3, func() time.Time { return now })
	for i := range 5 {
		if got := l.Allow("a"); got != (i < 3) {
			t.Errorf("request %d: %v", i, got)
		}
	}
	if !l.Allow("b") {
		t.Error("one key uses up another's")
	}
	now = now.Add(2 * time.Second)
	for i := range 3 {
		if got := l.Allow("a"); got != (i < 2) {
			t.Errorf("two seconds later, request %d: %v", i, got)
		}
	}
	if !(*Limiter)(nil).Allow("a") {
		t.Error("no limiter limits")
	}
}

func TestKeysAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := New(1, 1, func() time.Time { return now })
	for i := range keysMax {
		l.Allow(strconv.Itoa(i))
	}
	if l.Allow("new") {
		t.Error("more keys than are allowed")
	}
	now = now.Add(time.Second)
	if !l.Allow("new") || len(l.keys) != 1 {
		t.Errorf("full buckets stay: %d keys", len(l.keys))
	}
}

func TestAddrKey(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":         "192.0.2.1",
		"::ffff:192.0.2.1":  "192.0.2.1",
		"2001:db8::1":       "2001:db8::/64",
		"2001:db8::ffff:2":  "2001:db8::/64",
		"fe80::1%eth0":      "fe80::/64",
		"2001:db8:0:1::abc": "2001:db8:0:1::/64",
	} {
		if got := AddrKey(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

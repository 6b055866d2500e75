package rules

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestActionString(t *testing.T) {
	for _, tt := range []struct {
		action Action
		want   string
	}{
		{None, "none"},
		{All, "all"},
		{Read, "read"},
		{Create | Approve, "create, approve"},
		{ChangeOwner | 1<<13 | 1<<31, "changeowner, bit13, bit31"},
	} {
		if got := tt.action.String(); got != tt.want {
			t.Errorf("%d: %q, want %q", tt.action, got, tt.want)
		}
	}
}

func TestParseAction(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Action
		ok   bool
	}{
		{"read", Read, true},
		{"READ , ExportData", Read | ExportData, true},
		{"All", All, true},
		{"", 0, false},
		{"read,", 0, false},
		{"bit32", 0, false},
		{"write", 0, false},
	} {
		if got, err := ParseAction(tt.text); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		a := Action(rng.Uint32())
		if got, err := ParseAction(a.String()); got != a || err != nil {
			t.Fatalf("%d as %q comes back as %d, %v", a, a, got, err)
		}
	}
}

func TestActionJSON(t *testing.T) {
	text, err := json.Marshal([]Action{Read, All})
	if err != nil || string(text) != "[2,4294967295]" {
		t.Fatalf("%s, %v", text, err)
	}
	var back []Action
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, []Action{Read, All}) {
		t.Fatalf("%v, %v", back, err)
	}
}

func TestActionNames(t *testing.T) {
	if got := (Read | OfflineAccess | 1<<20).Names(); !reflect.DeepEqual(got, []string{"read", "offlineaccess"}) {
		t.Errorf("%v", got)
	}
}

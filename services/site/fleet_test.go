package site

import (
	"encoding/json"
	"testing"

	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// An engine whose processors are busy, as all are right after the start and
// during reloads, goes on taking users; one without memory does not.
func TestBusyEngine(t *testing.T) {
	for says, want := range map[string]int{
		`{"saturated":false,"cpu":{"total":10}}`:                      1,
		`{"saturated":true,"cpu":{"total":99}}`:                       1,
		`{"saturated":true,"cpu":{"total":99},"mem":{"tight":false}}`: 1,
		`{"saturated":true,"cpu":{"total":10},"mem":{"tight":true}}`:  0,
		`{"saturated":true,"cpu":{"total":99},"mem":{"tight":true}}`:  0,
	} {
		e := engineState{node: "one", healthy: true}
		if err := json.Unmarshal([]byte(says), &e.health); err != nil {
			t.Fatal(err)
		}
		f := &fleet{engines: []engineState{e}}
		engines, err := f.Engines(t.Context(), session.User{Directory: "DOM", ID: "ann"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := balance.New().Order(balance.Question{}, engines); len(got) != want {
			t.Errorf("%s: %d engines take a user, want %d", says, len(got), want)
		}
	}
}

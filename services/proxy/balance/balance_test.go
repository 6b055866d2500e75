package balance

import (
	"strconv"
	"strings"
	"testing"
)

func order(b *Balancer, q Question, engines ...Engine) string {
	var names []string
	for _, e := range b.Order(q, engines) {
		names = append(names, e.Node)
	}
	return strings.Join(names, " ")
}

func up(node string, change func(*Engine)) Engine {
	e := Engine{Node: node, Allowed: true, Healthy: true, Load: 1}
	if change != nil {
		change(&e)
	}
	return e
}

func TestOrder(t *testing.T) {
	forbidden := up("forbidden", func(e *Engine) { e.Allowed, e.HasApp, e.Load = false, true, 0 })
	ill := up("ill", func(e *Engine) { e.Healthy, e.Load = false, 0 })
	full := up("full", func(e *Engine) { e.Full, e.HasApp = true, true })
	has := up("has", func(e *Engine) { e.HasApp, e.Load = true, 9 })
	idle := up("idle", func(e *Engine) { e.Load = 0 })
	busy := up("busy", func(e *Engine) { e.Load = 5 })
	spent := up("spent", func(e *Engine) { e.Busy, e.HasApp, e.Load = true, true, 0 })
	for _, tt := range []struct {
		why     string
		q       Question
		engines []Engine
		want    string
	}{
		{"none", Question{}, nil, ""},
		{"none that can", Question{}, []Engine{forbidden, ill, full}, ""},
		{"the app counts more than the load", Question{}, []Engine{busy, idle, has, full, forbidden}, "has idle busy"},
		{"busy processors are the last choice", Question{}, []Engine{spent, busy, has}, "has busy spent"},
		{"but better than none", Question{}, []Engine{spent, full}, "spent"},
		{"nodes of the virtual proxy", Question{Nodes: []string{"busy", "full"}}, []Engine{busy, idle, has, full}, "busy"},
		{"a virtual proxy without nodes", Question{Nodes: []string{}}, []Engine{busy, idle}, ""},
	} {
		for range 3 { // whoever's turn it is
			if got := order(New(), tt.q, tt.engines...); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
			}
		}
	}
}

func TestSticky(t *testing.T) {
	b := New()
	q := Question{User: `DOM\ann`, App: "1", Sticky: true}
	one, two := up("one", nil), up("two", func(e *Engine) { e.HasApp = true })
	b.Chose(q, "one")
	if got := order(b, Question{User: `dom\ANN`, App: "1", Sticky: true}, two, one); got != "one two" {
		t.Errorf("sticky: %s", got)
	}
	if got := order(b, Question{User: `DOM\ann`, App: "1"}, two, one); got != "two one" {
		t.Errorf("not sticky: %s", got)
	}
	if got := order(b, Question{User: `DOM\ann`, App: "2", Sticky: true}, two, one); got != "two one" {
		t.Errorf("another app: %s", got)
	}
	one.Full = true
	if got := order(b, q, two, one); got != "two" {
		t.Errorf("the engine of last time is full: %s", got)
	}
}

func TestEqualEnginesTakeTurns(t *testing.T) {
	b, count := New(), map[string]int{}
	for range 30 {
		count[b.Order(Question{}, []Engine{up("a", nil), up("b", nil), up("c", nil)})[0].Node]++
	}
	if count["a"] != 10 || count["b"] != 10 || count["c"] != 10 {
		t.Errorf("turns %v", count)
	}
}

// Until the next health check, what an engine was given counts.
func TestBetweenHealthChecks(t *testing.T) {
	b, count := New(), map[string]int{}
	idle, busy := up("idle", nil), up("busy", func(e *Engine) { e.Load = 11 })
	for i := range 30 {
		q := Question{App: strconv.Itoa(i)}
		first := b.Order(q, []Engine{busy, idle})[0].Node
		b.Chose(q, first)
		count[first]++
	}
	if count["idle"] != 20 || count["busy"] != 10 {
		t.Errorf("%v", count)
	}
	q := Question{App: "29"}
	has := b.Order(q, []Engine{busy, idle})[0].Node
	other := map[string]string{"idle": "busy", "busy": "idle"}[has]
	for range 5 {
		b.Chose(Question{App: "more"}, has)
		if got := order(b, q, busy, idle); got != has+" "+other {
			t.Errorf("the engine that has opened the app a moment ago comes after another: %s", got)
		}
	}
	idle.Check, busy.Check = 1, 1
	if got := order(b, q, busy, idle); got != "idle busy" {
		t.Errorf("after another check: %s", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	b := New()
	for i := range stickyMax + 10 {
		b.Chose(Question{User: strings.Repeat("x", i%7), App: string(rune(i))}, "n")
	}
	if len(b.byKey) > stickyMax || len(b.byKey) != b.recent.Len() {
		t.Errorf("%d choices, %d in order", len(b.byKey), b.recent.Len())
	}
}

package scheduler

import (
	"fmt"
	"testing"
	"time"
)

// A worker claims what is in its queue, and a queue without a worker is told of.
func TestQueues(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &Rules{Plan: &Plan{Tasks: map[string]*Task{
		"reload": {ID: "reload", Enabled: true}, "users": {ID: "users", Enabled: true, Queue: "q"},
	}}, Now: now, NewID: counter(), Silence: time.Minute}
	b := &Board{}
	for id := range r.Tasks {
		if _, _, err := r.Trigger(b, id, "manual"); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() (tasks []string) {
		r.Now = r.Now.Add(2 * time.Minute)
		for worker := range b.Workers {
			b.Workers[worker] = r.Now
		}
		for _, e := range r.unclaimed(b) {
			tasks = append(tasks, e.TaskID)
		}
		return tasks
	}
	if got := waiting(); len(got) != 2 {
		t.Errorf("without workers %v wait", got)
	}
	for _, step := range []struct{ queue, worker, want, waits string }{
		{"other", "a", "[]", "2"}, {"q", "b", "[users]", "[reload]"}, {"", "c", "[reload]", "[]"},
	} {
		r.Queue = step.queue
		var got []string
		for _, a := range r.Claim(b, step.worker, 5) {
			got = append(got, a.TaskID)
		}
		if fmt.Sprint(got) != step.want {
			t.Errorf("the queue %q has %v, want %s", step.queue, got, step.want)
		}
		if got := waiting(); fmt.Sprint(got) != step.waits && fmt.Sprint(len(got)) != step.waits {
			t.Errorf("after the queue %q %v wait, want %s", step.queue, got, step.waits)
		}
	}
}

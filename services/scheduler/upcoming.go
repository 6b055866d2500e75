package scheduler

import "time"

// Upcoming is what a plan is going to start.
type Upcoming struct {
	Events map[string]time.Time // when each schema event fires next; disabled ones do not
	Tasks  map[string]time.Time // when each task is started next by its events
	First  time.Time            // of all these; zero if there is none
}

// Upcoming returns what comes next after a time.
func (p *Plan) Upcoming(after time.Time) Upcoming {
	u := Upcoming{Events: map[string]time.Time{}, Tasks: map[string]time.Time{}}
	for _, e := range p.Events {
		task := p.Tasks[e.TaskID]
		if !e.Enabled || task == nil || !task.Enabled {
			continue
		}
		next, ok := e.Schedule.Next(after)
		if !ok {
			continue
		}
		u.Events[e.ID] = next
		if t, has := u.Tasks[e.TaskID]; !has || next.Before(t) {
			u.Tasks[e.TaskID] = next
		}
		if u.First.IsZero() || next.Before(u.First) {
			u.First = next
		}
	}
	return u
}

package store

import "database/sql"

// A Pool is how the connections to the database are used.
type Pool struct {
	Open, Active, Waiting int
	Waits                 int64 // that had to wait for one, or for a new one, since the start
	Done                  int64 // uses that have ended, since the start
}

// Pool tells how the connections are used.
func (s *Store) Pool() Pool {
	p := s.stats()
	p.Waiting, p.Done = int(s.waiting.Load()), s.served.Load()
	return p
}

// sum adds up what the standard library knows of pools.
func sum(dbs ...*sql.DB) (p Pool) {
	for _, db := range dbs {
		n := db.Stats()
		p.Open, p.Active, p.Waits = p.Open+n.OpenConnections, p.Active+n.InUse, p.Waits+n.WaitCount
	}
	return p
}

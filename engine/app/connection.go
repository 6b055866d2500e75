package app

import (
	"fmt"
	"slices"
)

// Connections returns all connections in the order of their creation.
func (a *App) Connections() []Connection {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.connections)
}

// AddConnection stores a new connection and returns its id.
func (a *App) AddConnection(c Connection) (string, error) {
	a.mu.Lock()
	for _, old := range a.connections {
		if old.Name == c.Name {
			a.mu.Unlock()
			return "", fmt.Errorf("%w: %s", ErrConnExists, c.Name)
		}
	}
	if c.ID == "" {
		c.ID = NewID()
	}
	c.Modified, c.Password = a.now(), "" // nothing here can log in anywhere
	a.connections = append(a.connections, c)
	a.mu.Unlock()
	a.touch()
	return c.ID, nil
}

// SetConnection replaces a connection.
func (a *App) SetConnection(id string, c Connection) error {
	a.mu.Lock()
	i := slices.IndexFunc(a.connections, func(o Connection) bool { return o.ID == id })
	if i >= 0 {
		c.ID, c.Modified, c.Password = id, a.now(), ""
		a.connections[i] = c
	}
	a.mu.Unlock()
	if i < 0 {
		return fmt.Errorf("%w: %s", ErrConnection, id)
	}
	a.touch()
	return nil
}

// DeleteConnection removes a connection.
func (a *App) DeleteConnection(id string) error {
	a.mu.Lock()
	had := len(a.connections)
	a.connections = slices.DeleteFunc(a.connections, func(o Connection) bool { return o.ID == id })
	gone := len(a.connections) < had
	a.mu.Unlock()
	if !gone {
		return fmt.Errorf("%w: %s", ErrConnection, id)
	}
	a.touch()
	return nil
}

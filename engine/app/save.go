package app

import "fmt"

// Save writes the app to its folder.
func (a *App) Save() error {
	if a.Session {
		return fmt.Errorf("%w: %s", ErrSessionApp, a.ID)
	}
	dir, err := a.lib.folder(a.ID)
	if err != nil {
		return err
	}
	if err := a.write(dir); err != nil {
		return fmt.Errorf("save app %s: %w", a.ID, err)
	}
	a.mu.Lock()
	a.dirty = false
	a.mu.Unlock()
	a.publish(Event{Kind: AppChanged})
	return nil
}

// SaveDocument writes everything but the data.
func (a *App) SaveDocument() error {
	dir, err := a.lib.folder(a.ID)
	if err != nil {
		return err
	}
	a.saving.Lock()
	defer a.saving.Unlock()
	if err := writeDocument(dir, a.document()); err != nil {
		return fmt.Errorf("save objects of %s: %w", a.ID, err)
	}
	return nil
}

// write puts the data first: a document never names data that is not there.
func (a *App) write(dir string) error {
	a.saving.Lock()
	defer a.saving.Unlock()
	if err := a.writeData(dir); err != nil {
		return err
	}
	return writeDocument(dir, a.document())
}

// load reads an app from disk.
func (l *Library) load(id string) (*App, error) {
	dir, err := l.folder(id)
	if err != nil {
		return nil, err
	}
	d, err := readDocument(dir)
	if err != nil {
		return nil, err
	}
	a := l.newApp(id, "", false)
	if err := a.restore(d); err != nil {
		return nil, fmt.Errorf("open app %s: %w", id, err)
	}
	if err := a.readData(dir); err != nil {
		return nil, fmt.Errorf("open app %s: %w", id, err)
	}
	return a, nil
}

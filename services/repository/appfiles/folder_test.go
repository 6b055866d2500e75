package appfiles

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// A site is a folder and the rows that a database would have.
type site struct {
	t    *testing.T
	f    *Folder
	rows map[string]string // version by id
}

func newSite(t *testing.T) *site {
	f, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, f, map[string]string{}}
}

var errCrash = errors.New("crash")

// Steps of what is done to an app; at returns errCrash where the process dies.
func (s *site) put(id, content string, at func(step int) error) error {
	staged, err := s.f.Stage(id, strings.NewReader(content), 1<<20)
	if err != nil {
		return err
	}
	if err := at(1); err != nil {
		return err
	}
	s.rows[id] = staged.Version
	if err := at(2); err != nil {
		return err
	}
	return s.f.Settle(staged)
}

func (s *site) remove(id string, at func(step int) error) error {
	if err := s.f.Bury(id); err != nil {
		return err
	}
	if err := at(1); err != nil {
		return err
	}
	delete(s.rows, id)
	if err := at(2); err != nil {
		return err
	}
	return s.f.Remove(id)
}

func never(int) error { return nil }

func (s *site) reconcile() Reconciled {
	s.t.Helper()
	done, err := s.f.Reconcile(s.t.Context(), func(id string) (string, bool, error) { v, ok := s.rows[id]; return v, ok, nil })
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// content returns what the app's file holds, "" if there is none.
func (s *site) content(id string) string {
	s.t.Helper()
	file, err := s.f.Read(id)
	if errors.Is(err, ErrNoFile) {
		return ""
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// Between any two steps the process dies: afterwards there is a file exactly
// where there is a row, with what the row says.
func TestCrashes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first string // content of the app before
		do    func(s *site, id string, at func(int) error) error
		want  [3]string // after a crash before step 1, before step 2, without one
	}{
		{"create", "", func(s *site, id string, at func(int) error) error { return s.put(id, "new", at) }, [3]string{"", "new", "new"}},
		{"replace", "old", func(s *site, id string, at func(int) error) error { return s.put(id, "new", at) }, [3]string{"old", "new", "new"}},
		{"delete", "old", func(s *site, id string, at func(int) error) error { return s.remove(id, at) }, [3]string{"old", "", ""}},
	} {
		for dies := range 3 {
			s, id := newSite(t), uuid.NewString()
			if tt.first != "" {
				if err := s.put(id, tt.first, never); err != nil {
					t.Fatal(err)
				}
			}
			err := tt.do(s, id, func(step int) error {
				if step == dies+1 {
					return errCrash
				}
				return nil
			})
			if (err != nil) != (dies < 2) {
				t.Fatal(err)
			}
			for range 2 { // a second crash, while the first one is being mended, does no harm
				s.reconcile()
			}
			_, has := s.rows[id]
			if got := s.content(id); got != tt.want[dies] || has != (got != "") {
				t.Errorf("%s, dies at %d: the file holds %q, row: %v; want %q", tt.name, dies+1, got, has, tt.want[dies])
			}
			if rest := leftovers(t, s.f.dir); len(rest) > 0 {
				t.Errorf("%s, dies at %d: %v are left", tt.name, dies+1, rest)
			}
		}
	}
}

// leftovers returns the files that are no app's.
func leftovers(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), appSuffix) {
			names = append(names, f.Name())
		}
	}
	return names
}

func TestStrangeFilesStay(t *testing.T) {
	s := newSite(t)
	id := uuid.NewString()
	for _, name := range []string{id + appSuffix, "notes.txt", "other.qvf"} {
		if err := os.WriteFile(filepath.Join(s.f.dir, name), []byte("x"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if done := s.reconcile(); !slices.Equal(done.Strange, []string{id}) {
		t.Errorf("%+v", done)
	}
	if s.content(id) != "x" {
		t.Error("a file that no row knows is gone")
	}
}

func TestLimits(t *testing.T) {
	s := newSite(t)
	id := uuid.NewString()
	if _, err := s.f.Stage(id, bytes.NewReader(make([]byte, 11)), 10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("11 of 10 bytes: %v", err)
	}
	if rest := leftovers(t, s.f.dir); len(rest) > 0 {
		t.Errorf("%v are left", rest)
	}
	for _, bad := range []string{"", "..", "../x", "x", id + "/../" + id} {
		if _, err := s.f.Read(bad); !errors.Is(err, ErrNoFile) {
			t.Errorf("id %q: %v", bad, err)
		}
		if _, err := s.f.Stage(bad, strings.NewReader(""), 1); err == nil {
			t.Errorf("id %q has a file", bad)
		}
	}
}

// TestRewritten: what was left of rewriting a staged file goes, whatever the
// rows say.
func TestRewritten(t *testing.T) {
	s := newSite(t)
	id := uuid.NewString()
	if err := s.put(id, "content", func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(s.f.dir, id+s.f.suffix+"."+s.rows[id]+newSuffix+".123.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := s.f.Reconcile(t.Context(), func(id string) (string, bool, error) { v, ok := s.rows[id]; return v, ok, nil })
	if err != nil || !slices.Equal(done.Dropped, []string{id}) {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the rest of a rewritten file is there: %v", err)
	}
	if _, err := s.f.Read(id); err != nil {
		t.Error(err)
	}
}

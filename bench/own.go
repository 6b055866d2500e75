package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/qvf"
)

const appTitle = "Star Schema Benchmark"

// ownApp returns the library with the app of all tables and the app's ID; the
// app is saved first if it is not there.
func (s *suite) ownApp(ctx context.Context) (*app.Library, string, error) {
	lib, err := s.library()
	if err != nil {
		return nil, "", err
	}
	if id, err := lib.Resolve(appTitle); err == nil {
		return lib, id, nil
	}
	if _, err := s.model(ctx); err != nil {
		return nil, "", err
	}
	id, err := lib.Create(appTitle)
	if err != nil {
		return nil, "", err
	}
	a, err := lib.Open(id)
	if err != nil {
		return nil, "", err
	}
	content := a.Content()
	lib.Close(a)
	content.Data = s.result.Catalog
	if err := qvf.Save(filepath.Join(s.appDir(), id+".qvf"), content, qvf.SaveOptions{}); err != nil {
		return nil, "", err
	}
	lib, err = s.library()
	return lib, id, err
}

func (s *suite) appDir() string { return filepath.Join(s.cfg.Folder, "apps") }

func (s *suite) library() (*app.Library, error) {
	return app.NewLibrary(app.Options{Dir: s.appDir(), Log: slog.New(slog.DiscardHandler)})
}

// openOwn opens the app in a library of its own: nothing of what others
// computed is kept.
func (s *suite) openOwn(id string) (*session.Session, error) {
	lib, err := s.library()
	if err != nil {
		return nil, err
	}
	return openIn(lib, id)
}

// openIn opens an app of a library in a session.
func openIn(lib *app.Library, id string) (*session.Session, error) {
	u := session.New("bench", "", lib, slog.New(slog.DiscardHandler))
	if _, err := u.OpenDoc(id); err != nil {
		u.Close()
		return nil, err
	}
	u.Begin()
	return u, nil
}

// runOpen measures the way from a file of ours to the first chart.
func runOpen(ctx context.Context, s *suite) error {
	_, id, err := s.ownApp(ctx)
	if err != nil {
		return err
	}
	first := dashChart{dims: []string{"d_year"}, measures: []string{"Sum(lo_revenue)"}}
	return s.repeat(ctx, "open app to first chart", func() error { runtime.GC(); return nil }, func() (string, error) {
		u, err := s.openOwn(id)
		if err != nil {
			return "", err
		}
		defer u.Close()
		refs, err := create(u, []string{first.props()})
		if err != nil {
			return "", err
		}
		layouts, err := layOut(ctx, u, refs)
		if err != nil {
			return "", err
		}
		rows, _, err := layouts[0].cube()
		return fmt.Sprintf("%d rows", rows), err
	})
}

// create makes session objects of properties.
func create(u *session.Session, props []string) ([]*session.Ref, error) {
	refs := make([]*session.Ref, len(props))
	for i, p := range props {
		var err error
		if refs[i], err = u.CreateSession(object.Generic, tree.MustParse(p)); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// layOut returns the layouts that a client would get.
func layOut(ctx context.Context, u *session.Session, refs []*session.Ref) ([]layout, error) {
	out := make([]layout, len(refs))
	for i, r := range refs {
		var err error
		if out[i], err = u.AppendLayout(ctx, nil, r); err != nil {
			return nil, err
		}
	}
	return out, u.Damage()
}

// runResident is for a process of its own: it loads the tables and says what
// memory that took.
func runResident(ctx context.Context, s *suite) error {
	m, err := s.model(ctx)
	if err != nil {
		return err
	}
	s.report.add(Figure{Workload: "peak while loading", Unit: "MiB", Samples: []float64{mebibytes(peak())}})
	s.result.Catalog.Memory()
	s.report.add(Figure{Workload: "resident with model", Unit: "MiB", Samples: []float64{mebibytes(resident())}})
	runtime.KeepAlive(m)
	return nil
}

// availableBytes returns the memory that the system can still give, 0 where it
// does not tell.
func availableBytes() int64 { return kibOf("/proc/meminfo", "MemAvailable:") }

// peak returns the most memory that the process has had, 0 where the system
// does not tell.
func peak() int64 { return kibOf("/proc/self/status", "VmHWM:") }

// kibOf returns the bytes behind a label in a file of the system, 0 if it is not
// there.
func kibOf(path, label string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(text, []byte(label))
	number, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" "))
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// alone returns the run of a workload in a process of its own, with more to
// set in its environment.
func alone(workload string, env ...string) func(context.Context, *suite) error {
	return func(ctx context.Context, s *suite) error {
		r, err := s.child(ctx, workload, env...)
		if err == nil && r != nil {
			s.report.Figures = append(s.report.Figures, r.Figures...)
		}
		return err
	}
}

// child runs a workload in a process of its own; nil if there are none.
func (s *suite) child(ctx context.Context, workload string, env ...string) (*Report, error) {
	if s.cfg.Self == nil {
		return nil, nil
	}
	cmd := s.cfg.Self(ctx, workload)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %.500s", err, exit.Stderr)
		}
		return nil, err
	}
	r := new(Report)
	return r, json.Unmarshal(out, r)
}

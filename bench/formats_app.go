package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// salesRowBytes is what a row of sales takes at least in a file of ours, where
// some of the columns are compressed.
const salesRowBytes = 15

func (f *formats) appRows() int { return int(max(1, f.cfg.AppBytes/salesRowBytes)) }

// listed is what a list box of a text field has to show: how many values, and
// the first of the alphabet.
type listed struct {
	n     int
	least string
}

// valuesOf returns what list boxes of the fields of texts have to show.
func valuesOf(c *storage.Catalog) map[string]listed {
	out := map[string]listed{}
	for _, f := range c.Fields() {
		l := listed{n: f.Symbols.Len(), least: f.Symbols.Text(1)}
		for code := 2; code <= l.n; code++ {
			l.least = min(l.least, f.Symbols.Text(uint32(code)))
		}
		out[f.Name] = l
	}
	return out
}

// sheetsOfApp is how many objects the measured app has.
const sheetsOfApp = 200

// Names of what is measured of apps.
const (
	saveApp     = "save app"
	saveObjects = "save objects of app"
	openApp     = "open app"
	openList    = "open app to first list box"
	openCounted = "open app to list box of customers with frequencies"
	openCold    = "open app to first list box, file not in memory"
	openSealed  = "open sealed app to first list box"
)

// apps measures a file of ours: saving it, and what a user waits for.
func (f *formats) apps(ctx context.Context) error {
	f.catalog, f.table = nil, nil // not wanted any more
	catalog, err := salesTable(ctx, f.appRows(), f.locale.Text)
	if err != nil {
		return err
	}
	f.values = valuesOf(catalog)
	dir := f.path("apps")
	id, content, err := newApp(dir)
	if err != nil {
		return err
	}
	content.Data = catalog
	path := filepath.Join(dir, id+".qvf")
	save := job{
		name: saveApp, cores: runtime.NumCPU(), times: 2,
		bytes: func() int64 { return fileSize(path) },
		run:   func() error { return qvf.Save(path, *content, qvf.SaveOptions{}) },
		check: func() (string, error) { return fmt.Sprintf("%d bytes, read back, on the disk", fileSize(path)), nil },
	}
	if err := f.measure(ctx, save); err != nil {
		return err
	}
	f.r.add(Figure{Workload: "size of app", Unit: "MB", Samples: []float64{float64(fileSize(path)) / 1e6}})
	if err := f.saveObjects(ctx, dir, id); err != nil {
		return err
	}
	if err := f.opens(ctx, dir, id); err != nil {
		return err
	}
	file, err := qvf.OpenFile(path, qvf.OpenOptions{})
	if err != nil {
		return err
	}
	if err := file.Verify(); err != nil {
		return err
	}
	save.name, save.times = "save sealed app", 1
	save.run = func() error { return qvf.Save(path, *content, qvf.SaveOptions{Seal: f.key.recipients()}) }
	if err := f.measure(ctx, save); err != nil {
		return err
	}
	ring, err := crypt.NewRing(crypt.Config{More: []crypt.Keys{f.key}})
	if err != nil {
		return err
	}
	return f.open(ctx, opening{name: openSealed, dir: dir, id: id, field: "Region", times: 3, keys: ring})
}

// newApp makes an app with objects and a script, without data, and returns
// what its file is to hold.
func newApp(dir string) (id string, c *qvf.Content, err error) {
	l, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		return "", nil, err
	}
	if id, err = l.Create("Sales"); err != nil {
		return "", nil, err
	}
	a, err := l.Open(id)
	if err != nil {
		return "", nil, err
	}
	defer l.Close(a)
	a.SetScript("Sales: LOAD * FROM [lib://bench/sales.qvd] (qvd);")
	for i := range sheetsOfApp {
		props := fmt.Sprintf(`{"qInfo":{"qId":"sheet%d","qType":"sheet"},"qMetaDef":{"title":"Sheet %d"},"rank":%d,"cells":[]}`, i, i, i)
		if _, err := a.Create(object.Generic, tree.MustParse(props), "", nil); err != nil {
			return "", nil, err
		}
	}
	content := a.Content()
	return id, &content, nil
}

// saveObjects measures the save after an edit.
func (f *formats) saveObjects(ctx context.Context, dir, id string) error {
	l, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		return err
	}
	a, err := l.Open(id)
	if err != nil {
		return err
	}
	defer l.Close(a)
	path := filepath.Join(dir, id+".qvf")
	rank := 1000
	return f.measure(ctx, job{
		name: saveObjects, cores: runtime.NumCPU(), times: 7,
		run: func() error {
			rank++
			_, err := a.ChangeItem("sheet7", func(it *object.Item) (*object.Item, error) {
				return it.WithProps(it.Props.With("rank", tree.NewInt(rank)), a.Now())
			})
			if err != nil {
				return err
			}
			return a.Save()
		},
		check: func() (string, error) {
			again, err := l.OpenFile(id, path)
			if err != nil {
				return "", err
			}
			if got := again.Items.Get("sheet7").Props.Get("rank").Int(); got != rank {
				return "", fmt.Errorf("rank %v, want %d", got, rank)
			}
			return fmt.Sprintf("%d objects, one of them changed", sheetsOfApp), nil
		},
	})
}

// opens measures what waits for the user of an app, and an app that is sealed.
func (f *formats) opens(ctx context.Context, dir, id string) error {
	list := opening{name: openList, dir: dir, id: id, field: "Region", times: 7}
	alone := opening{name: openApp, dir: dir, id: id, times: 7}
	counted := opening{name: openCounted, dir: dir, id: id, field: "Customer", times: 5, counted: true}
	cold := opening{name: openCold, dir: dir, id: id, field: "Region", times: 3, cold: true}
	for _, o := range []opening{alone, list, counted, cold} {
		if err := f.open(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// An opening says which list box of which app is waited for.
type opening struct {
	name, dir, id string
	field         string // "" = no list box
	times         int
	counted       bool        // with frequencies
	cold          bool        // the file is not in memory
	keys          *crypt.Ring // of a sealed app
}

// open measures the way from the file to the layout of a list box, as the
// session of a client goes it.
func (f *formats) open(ctx context.Context, o opening) error {
	path := filepath.Join(o.dir, o.id+".qvf")
	if o.cold {
		if err := dropPages(path); errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
	}
	var layout []byte
	var rows int
	return f.measure(ctx, job{
		name: o.name, cores: runtime.NumCPU(), times: o.times,
		before: func() error {
			if !o.cold {
				return nil
			}
			runtime.GC() // the mapping of the run before ends, else its pages stay
			return dropPages(path)
		},
		run: func() (err error) {
			layout, rows, err = o.layout(ctx)
			return err
		},
		check: func() (string, error) { return f.listAnswer(&o, layout, rows) },
	})
}

// layout opens the app in a new library and returns the layout of the list
// box, nil if none is asked for, and the rows of the app.
func (o *opening) layout(ctx context.Context) ([]byte, int, error) {
	log := slog.New(slog.DiscardHandler)
	l, err := app.NewLibrary(app.Options{Dir: o.dir, Keys: o.keys, Log: log})
	if err != nil {
		return nil, 0, err
	}
	s := session.New("bench", "", l, log)
	defer s.Close()
	if _, err := s.OpenDoc(o.id); err != nil {
		return nil, 0, err
	}
	s.Begin()
	rows := 0
	for _, t := range s.Data().Model.Tables {
		rows += t.Rows
	}
	if o.field == "" {
		return nil, rows, nil
	}
	mode := "NONE"
	if o.counted {
		mode = "VALUE"
	}
	box, err := s.CreateSession(object.Generic, tree.MustParse(fmt.Sprintf(`{"qInfo":{"qType":"listbox"},"qListObjectDef":{
		"qDef":{"qFieldDefs":[%q],"qSortCriterias":[{"qSortByState":1,"qSortByAscii":1}]},
		"qFrequencyMode":"NX_FREQUENCY_%s","qInitialDataFetch":[{"qWidth":1,"qHeight":20}]}}`,
		o.field, mode)))
	if err != nil {
		return nil, 0, err
	}
	layout, err := s.AppendLayout(ctx, nil, box)
	return layout, rows, errors.Join(err, s.Damage())
}

// answer checks a layout: all values are there, the first one is that of the
// alphabet, and it has a frequency where one was asked for.
func (f *formats) listAnswer(o *opening, layout []byte, rows int) (string, error) {
	if rows != f.appRows() {
		return "", fmt.Errorf("%d rows, want %d", rows, f.appRows())
	}
	if o.field == "" {
		return fmt.Sprintf("%d rows", rows), nil
	}
	var x struct {
		List struct {
			Size struct {
				Rows int `json:"qcy"`
			} `json:"qSize"`
			Pages []struct {
				Matrix [][]struct {
					Text      string `json:"qText"`
					Frequency string `json:"qFrequency"`
				} `json:"qMatrix"`
			} `json:"qDataPages"`
		} `json:"qListObject"`
	}
	if err := json.Unmarshal(layout, &x); err != nil {
		return "", err
	}
	if len(x.List.Pages) != 1 || len(x.List.Pages[0].Matrix) == 0 {
		return "", fmt.Errorf("no values in the layout %.200q", layout)
	}
	first := x.List.Pages[0].Matrix[0][0]
	want := f.values[o.field]
	if x.List.Size.Rows != want.n || first.Text != want.least || o.counted != (first.Frequency != "") {
		return "", fmt.Errorf("%d values, the first is %+v; want %d from %s", x.List.Size.Rows, first, want.n, want.least)
	}
	return fmt.Sprintf("%d rows, %d values from %s", rows, x.List.Size.Rows, first.Text), nil
}

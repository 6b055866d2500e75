package script

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Options is the surroundings of a script. The zero value runs scripts that
// need no files.
type Options struct {
	Now  func() time.Time // nil: time.Now
	Rand func() float64   // uniform in [0, 1); nil: a random source

	User, AppName, AppID string
	ReloadTime           time.Time // of the reload before this one

	// Folders maps the names of data connections (lib://name/path) to folders.
	// Scripts read and write inside of them and of BaseDir only.
	Folders map[string]string
	BaseDir string // for relative paths; "" = no relative paths

	Variables map[string]dual.Value // set before the first statement
	Progress  func(Event)           // nil: none. Called by the goroutine of Run
	Limits    Limits

	// Keys open sealed QVD files. Those that scripts store are sealed for
	// SealFor; nobody = they are in clear.
	Keys    crypt.Keys
	SealFor []*crypt.Recipient
	// BufferDir is where BUFFER loads keep their rows; "" = they keep none.
	BufferDir string

	// MayTake is asked before BINARY takes over an app with an access section;
	// nil: everything may be taken.
	MayTake func(rules *storage.Catalog) error

	// Kept makes it a partial reload of an app that has these tables; nil = a
	// reload of everything.
	Kept *Kept

	// Query answers SELECT statements on the current connection; nil: there
	// are no database connections.
	Query func(ctx context.Context, connection, sql string) (source.Reader, error)
}

// Limits bound what a script may take. Zero members mean the default.
type Limits struct {
	MaxRows     int   // rows of one table; default storage.RowsMax
	MaxBytes    int64 // memory of all tables, symbol tables included; default none
	MaxTables   int   // default 10 000
	MaxFields   int   // of one table; default 10 000
	MaxSteps    int   // statements run; default 10 million
	MaxIncludes int   // nesting of include files; default 20
	MaxCalls    int   // nesting of SUB calls; default 200
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	set(&l.MaxRows, storage.RowsMax)
	set(&l.MaxTables, 10_000)
	set(&l.MaxFields, 10_000)
	set(&l.MaxSteps, 10_000_000)
	set(&l.MaxIncludes, 20)
	set(&l.MaxCalls, 200)
	return l
}

// EventKind says what a progress event tells.
type EventKind uint8

// Kinds of events.
const (
	StatementStarted EventKind = iota // Text, Line
	RowsLoaded                        // Table, Rows so far, RowsPerSec
	TableFinished                     // Table, Rows; Text says "QVD optimized" where that is so
	Traced                            // Text of a TRACE
	ErrorIgnored                      // Text; ErrorMode is 0
)

// An Event is a step of progress.
type Event struct {
	Kind       EventKind
	Line       int
	Text       string
	Table      string
	Rows       int
	RowsPerSec float64
}

// A Result is what a script made.
type Result struct {
	// Catalog is sealed.
	Catalog *storage.Catalog
	// Access holds the tables of the access section, names and values in
	// upper case; nil if the script has none. Sealed.
	Access    *storage.Catalog
	Variables []Variable
	Locale    *number.Locale
	Star      string   // text of STAR IS, "" = none
	Errors    []*Error // ignored in ErrorMode 0
	Buffers   []string // names of the files that BUFFER loads have used
}

// Run runs the script src. On an error, which is an [*Error] unless ctx was
// cancelled, there is no result: the caller keeps its former data.
func Run(ctx context.Context, src string, o Options) (*Result, error) {
	return newRunner(ctx, o).script(src)
}

func (r *runner) script(src string) (*Result, error) {
	nodes, err := parseBlocks(&text{src: src})
	if err == nil {
		err = r.takeKept()
	}
	if err == nil {
		_, err = r.block(nodes)
	}
	if err != nil {
		return nil, err
	}
	return r.result()
}

// A runner is the state of a running script.
type runner struct {
	ctx     context.Context //nolint:containedctx // lives as long as Run, whose goroutine alone uses it
	opt     Options
	limits  Limits
	catalog *storage.Catalog
	access  *storage.Catalog // nil until SECTION ACCESS
	section *storage.Catalog // the one of the two that loads go to
	version int              // counts changes of the catalog
	live    map[*storage.Field]liveCodes
	last    string // table created or changed last
	loading *output
	// Fields that the load being prepared stores, as far as the statement says.
	outputs     map[string]bool
	outputsStar bool
	file        fileInfo // of the file being read
	builders    map[string]openBuilder
	lineage     map[string][]qvd.Lineage // what a table was made of

	statements []statementKind
	single     bool // run all loads row by row; tests compare the two ways

	vars        *variables
	fn          *fn.Context
	subs        map[string]*subNode
	calls       int
	maps        map[string]*mapping
	series      map[string]*series // of AutoNumber
	rules       rules
	definitions map[string]*definition
	derivations []derivation
	connect     string
	dir         string
	star        string

	buffers []string // files of BUFFER loads that were used

	steps    int
	includes int
	errors   []*Error
}

func newRunner(ctx context.Context, o Options) *runner {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	r := &runner{
		ctx: ctx, opt: o, limits: o.Limits.withDefaults(), dir: o.BaseDir,
		lineage: map[string][]qvd.Lineage{}, live: map[*storage.Field]liveCodes{}, subs: map[string]*subNode{},
		maps: map[string]*mapping{}, series: map[string]*series{}, builders: map[string]openBuilder{}, statements: statementTable(), definitions: map[string]*definition{},
	}
	r.fn = &fn.Context{
		Locale: number.Default(), Now: o.Now, Rand: o.Rand, User: o.User, AppName: o.AppName, AppID: o.AppID,
		ReloadTime: o.ReloadTime, StartTime: o.Now(), PartialReload: o.Kept != nil,
	}
	r.catalog = storage.NewCatalog(r.show)
	r.section = r.catalog
	r.vars = newVariables(o.Variables)
	return r
}

// show makes the text of a value with the settings in force.
func (r *runner) show(v dual.Value) string { return r.fn.Locale.Text(v) }

// setLocale puts other settings in force. Programs compiled before keep the
// context they have.
func (r *runner) setLocale(l *number.Locale) {
	r.fn = &fn.Context{
		Locale: l, Now: r.fn.Now, Rand: r.fn.Rand, User: r.fn.User, AppName: r.fn.AppName, AppID: r.fn.AppID,
		ReloadTime: r.fn.ReloadTime, StartTime: r.fn.StartTime, PartialReload: r.fn.PartialReload,
	}
}

// errNoRules says that there is an access section, and nothing in it.
var errNoRules = errors.New("the access section has no table: everybody would see everything")

func (r *runner) result() (*Result, error) {
	if r.access != nil && len(r.access.Tables()) == 0 {
		return nil, errNoRules
	}
	r.section = r.catalog
	if err := r.deriveFields(); err != nil {
		return nil, err
	}
	if err := r.catalog.Seal(); err != nil {
		return nil, fmt.Errorf("seal data: %w", err)
	}
	if r.access != nil {
		if err := r.access.Seal(); err != nil {
			return nil, fmt.Errorf("seal access section: %w", err)
		}
	}
	r.catalog.Show = r.fn.Locale.Text // lets go of the runner and its builders
	if r.access != nil {
		r.access.Show = r.fn.Locale.Text
	}
	return &Result{
		Catalog: r.catalog, Access: r.access, Variables: r.vars.list(), Locale: r.fn.Locale,
		Star: r.star, Errors: r.errors, Buffers: r.buffers,
	}, nil
}

func (r *runner) event(e Event) {
	if r.opt.Progress != nil {
		r.opt.Progress(e)
	}
}

// checkMemory says whether the tables, and extra bytes, are more than allowed.
func (r *runner) checkMemory(extra int64) error {
	if r.limits.MaxBytes > 0 && r.section.Memory().Total()+extra > r.limits.MaxBytes {
		return fmt.Errorf("the data need more than %d bytes of memory", r.limits.MaxBytes)
	}
	return nil
}

// changed notes that tables or fields of the catalog are not as before.
func (r *runner) changed() {
	r.version++
	clear(r.live)
}
